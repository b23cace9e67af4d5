-- Leases a delivery for one attempt. ARGV: id, version, lease duration, limit of interruptions, retention of an exhausted
-- job, delay of an interrupted attempt
end_interrupted_attempts()
local id = ARGV[1]
local f = fields(id, 'delivery_state', 'delivery_version', 'delivery_interruptions', 'delivery_attempts', 'attempt_until',
  'receiver')
if f[1] ~= 'pending' or f[5] or f[2] ~= ARGV[2] then return {'stale'} end
if tonumber(f[3]) > tonumber(ARGV[4]) then
  set_delivery(id, 'exhausted', 0, tonumber(f[4]), ARGV[5])
  return {'exhausted'}
end
local lease_until, number = from_now(tonumber(ARGV[3])), call('HINCRBY', job_key(id), 'total_attempts', 1)
remove_due(id, f[6])
-- The interruption and the due time apply if the attempt is interrupted; its outcome overwrites them.
call('HINCRBY', job_key(id), 'delivery_interruptions', 1)
call('HSET', job_key(id), 'attempt_until', integer(lease_until), 'delivery_due', integer(from_now(tonumber(ARGV[6]))))
call('ZADD', P .. 'attempt_leases', lease_until, id)
call('HSET', P .. 'attempts:' .. id, number .. '.started_at', integer(NOW))
return {'started', tonumber(f[4]) + 1, call('HINCRBY', job_key(id), 'delivery_version', 1)}
