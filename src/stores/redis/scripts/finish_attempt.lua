-- Records an attempt's outcome and moves the delivery.
-- ARGV: id, token, next state, retry delay, retention in that state, status, error, response (empty: none), whether the
-- attempt counts
local id, state = ARGV[1], ARGV[3]
local f = fields(id, 'delivery_version', 'attempt_until', 'replay_requested', 'delivery_attempts', 'total_attempts')
if f[1] ~= ARGV[2] or not f[2] then return {'stale'} end
local due, retention, attempts = from_now(tonumber(ARGV[4])), ARGV[5], tonumber(f[4]) + tonumber(ARGV[9])
if f[3] == '1' then state, due, retention, attempts = 'pending', NOW, '', 0 end
local log, number = P .. 'attempts:' .. id, f[5]
call('HSET', log, number .. '.finished_at', integer(NOW))
for position, name in pairs({[6] = '.status', [7] = '.error', [8] = '.response'}) do
  if ARGV[position] ~= '' then call('HSET', log, number .. name, ARGV[position]) end
end
if state == 'pending' then call('HSET', log, number .. '.next_due', integer(due)) end
return {'ok', state, integer(due), set_delivery(id, state, due, attempts, retention)}
