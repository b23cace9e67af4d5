-- Caches a page and evicts expired and the oldest pages. ARGV: key, page, limit of all pages in bytes, time to live
local pages, size = P .. 'cached_pages', P .. 'cached_bytes'

local function remove(key)
  call('ZREM', pages, key)
  call('DECRBY', size, call('STRLEN', P .. 'cached_page:' .. key))
  call('UNLINK', P .. 'cached_page:' .. key)
end

remove(ARGV[1])
for _, key in ipairs(call('ZRANGEBYSCORE', pages, '-inf', NOW - ARGV[4], 'LIMIT', 0, 1000)) do remove(key) end
call('SET', P .. 'cached_page:' .. ARGV[1], ARGV[2])
call('ZADD', pages, NOW, ARGV[1])
local total = call('INCRBY', size, #ARGV[2])
while total > tonumber(ARGV[3]) do
  remove(call('ZRANGE', pages, 0, 0)[1])
  total = tonumber(call('GET', size))
end
