-- Keeps a page, and makes room. ARGV: key, page, the most bytes of all pages, how long one is kept
local pages, bytes = P .. 'pages', P .. 'pages_bytes'

local function remove(key)
  call('ZREM', pages, key)
  call('DECRBY', bytes, call('STRLEN', P .. 'page:' .. key))
  call('UNLINK', P .. 'page:' .. key)
end

remove(ARGV[1])
for _, key in ipairs(call('ZRANGEBYSCORE', pages, '-inf', NOW - ARGV[4], 'LIMIT', 0, 1000)) do remove(key) end
call('SET', P .. 'page:' .. ARGV[1], ARGV[2])
call('ZADD', pages, NOW, ARGV[1])
local total = call('INCRBY', bytes, #ARGV[2])
while total > tonumber(ARGV[3]) do
  remove(call('ZRANGE', pages, 0, 0)[1])
  total = tonumber(call('GET', bytes))
end
