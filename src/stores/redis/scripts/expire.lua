-- Removes jobs whose retention has ended, with everything that belongs to them. ARGV: limit of their pages; at least one
-- job is removed
local max_pages, pages, expired = math.max(1, tonumber(ARGV[1])), 0, 0
while pages < max_pages do
  local id = call('ZRANGEBYSCORE', P .. 'expiring', '-inf', NOW, 'LIMIT', 0, 1)[1]
  if not id then break end
  call('ZREM', P .. 'expiring', id)
  local f = fields(id, 'principal', 'idempotency_key', 'total')
  if f[1] then
    if f[2] and call('HGET', P .. 'idempotency_keys', f[2]) == id then call('HDEL', P .. 'idempotency_keys', f[2]) end
    call('ZREM', P .. 'jobs', id)
    call('ZREM', P .. 'changes', id)
    call('ZREM', P .. 'jobs_of:' .. f[1], id)
    expired, pages = expired + 1, pages + tonumber(f[3])
  end
  call('UNLINK', job_key(id), P .. 'pages:' .. id, P .. 'errors:' .. id, P .. 'checkpoints:' .. id, P .. 'attempts:' .. id)
end
return expired
