-- Begins an attempt at a delivery. ARGV: id, version, hold, most interruptions, how long an exhausted one is kept,
-- how long it rests if nobody ever says what came of it
free_deliveries()
local id = ARGV[1]
local f = fields(id, 'd_state', 'd_version', 'd_interruptions', 'd_made', 'd_attempts', 'd_lease_until', 'receiver')
if f[1] ~= 'pending' or f[6] or f[2] ~= ARGV[2] then return {'stale'} end
if tonumber(f[3]) > tonumber(ARGV[4]) then
  move_delivery(id, 'exhausted', 0, tonumber(f[5]), ARGV[5])
  return {'given up'}
end
local till, made = after(tonumber(ARGV[3])), call('HINCRBY', job_key(id), 'd_made', 1)
unawait_delivery(id, f[7])
call('HINCRBY', job_key(id), 'd_interruptions', 1)
call('HSET', job_key(id), 'd_lease_until', whole(till), 'd_due', whole(after(tonumber(ARGV[6]))))
call('ZADD', P .. 'sending', till, id)
call('HSET', P .. 'log:' .. id, made .. '.started_at', whole(NOW))
return {'started', tonumber(f[5]) + 1, call('HINCRBY', job_key(id), 'd_version', 1)}
