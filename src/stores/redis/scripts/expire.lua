-- Removes jobs that were kept long enough, with everything that belongs to them. ARGV: most pages
local most, pages, expired = math.max(1, tonumber(ARGV[1])), 0, 0
while pages < most do
  local id = call('ZRANGEBYSCORE', P .. 'expiring', '-inf', NOW, 'LIMIT', 0, 1)[1]
  if not id then break end
  call('ZREM', P .. 'expiring', id)
  local f = fields(id, 'principal', 'key', 'total')
  if f[1] then
    if f[2] and call('HGET', P .. 'keys', f[2]) == id then call('HDEL', P .. 'keys', f[2]) end
    call('ZREM', P .. 'all', id)
    call('ZREM', P .. 'changed', id)
    call('ZREM', P .. 'of:' .. f[1], id)
    expired, pages = expired + 1, pages + tonumber(f[3])
  end
  call('UNLINK', job_key(id), P .. 'pages:' .. id, P .. 'errors:' .. id, P .. 'steps:' .. id, P .. 'log:' .. id)
end
return expired
