-- Fails a job that cannot be read, so that it does not block other jobs; its data stay for inspection. ARGV: id, error
local id = ARGV[1]
local f = fields(id, 'state', 'principal')
call('ZREM', P .. 'leases', id)
if f[1] and f[2] then count(f[2], f[1], -1) end
call('HDEL', job_key(id), 'node', 'lease_until', 'not_before')
call('HSET', job_key(id), 'state', 'failed', 'error', ARGV[2], 'finished_at', integer(NOW))
note_change(id)
return {'ok'}
