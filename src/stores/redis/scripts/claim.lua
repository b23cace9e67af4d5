-- Leases jobs that may run now, going round the principals, oldest first within each.
-- ARGV: node, task, most, hold, what a vanished attempt costs without and with progress
local node, task, most, hold = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
requeue(ARGV[5], ARGV[6])
local ring, claims = P .. 'ring:' .. task, {}
local last = call('HGET', P .. 'turn', task) or ''
while #claims < most do
  local turn = call('ZRANGEBYLEX', ring, '(' .. last, '+', 'LIMIT', 0, 1)[1] or call('ZRANGE', ring, 0, 0)[1]
  if not turn then break end
  last = turn
  local id = call('ZRANGE', P .. 'ready:' .. task .. ':' .. turn, 0, 0)[1]
  if id then unready(id, task, turn) else call('ZREM', ring, turn) end
  local state = id and call('HGET', job_key(id), 'state')
  local moved = state and AFTER[state] and AFTER[state].claimed
  if moved then
    call('HINCRBY', job_key(id), 'token', 1)
    call('HSET', job_key(id), 'state', moved, 'node', node, 'lease_until', whole(after(hold)), 'pages_in_attempt', 0)
    call('HSETNX', job_key(id), 'started_at', whole(NOW))
    call('ZADD', P .. 'leases', after(hold), id)
    tally(turn, state, -1)
    tally(turn, moved, 1)
    tell('changed', id)
    claims[#claims + 1] = {id, call('HGETALL', job_key(id)), call('HKEYS', P .. 'pages:' .. id)}
  end
end
call('HSET', P .. 'turn', task, last)
return claims
