-- Writes down what came of an attempt, and moves the delivery.
-- ARGV: id, token, next state, wait, how long it is kept then, status, error, answer (empty: none),
-- whether it counts
local id, state = ARGV[1], ARGV[3]
local f = fields(id, 'd_version', 'd_lease_until', 'd_again', 'd_attempts', 'd_made')
if f[1] ~= ARGV[2] or not f[2] then return {'lost'} end
local due, keep, attempts = after(tonumber(ARGV[4])), ARGV[5], tonumber(f[4]) + tonumber(ARGV[9])
local again = f[3] == '1'
if again then attempts = 0 end
-- A replay was asked for meanwhile: it follows.
if again then state, due, keep = 'pending', NOW, '' end
local log, n = P .. 'log:' .. id, f[5]
call('HSET', log, n .. '.finished_at', whole(NOW))
for place, name in pairs({[6] = '.status', [7] = '.error', [8] = '.answer'}) do
  if ARGV[place] ~= '' then call('HSET', log, n .. name, ARGV[place]) end
end
if state == 'pending' then call('HSET', log, n .. '.next_due', whole(due)) end
return {'ok', state, whole(due), move_delivery(id, state, due, attempts, keep)}
