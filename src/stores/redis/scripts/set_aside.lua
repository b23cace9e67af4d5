-- A job that cannot be read stops nobody else: it fails, and what is stored of it stays. ARGV: id, why
local id = ARGV[1]
local f = fields(id, 'state', 'principal')
call('ZREM', P .. 'leases', id)
if f[1] and f[2] then tally(f[2], f[1], -1) end
call('HDEL', job_key(id), 'node', 'lease_until', 'not_before')
call('HSET', job_key(id), 'state', 'failed', 'error', ARGV[2], 'finished_at', whole(NOW))
note_change(id)
return {'ok'}
