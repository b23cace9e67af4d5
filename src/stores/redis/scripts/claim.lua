-- Leases jobs that may run now, going round the principals, oldest first within each.
-- ARGV: node, task, most, hold, what a vanished attempt costs without and with progress, the newest format understood
local node, task, most, hold, understood = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[7])
requeue(ARGV[5], ARGV[6])

-- The oldest job of this principal that this version understands; not much further than its line's beginning.
local function oldest(line)
  for place = 0, 15 do
    local id = call('ZRANGE', line, place, place)[1]
    if not id then return nil, place == 0 end
    local f = fields(id, 'state', 'format')
    if not f[2] or tonumber(f[2]) <= understood then return id, false, f[1] end
  end
end

local ring, claims = P .. 'ring:' .. task, {}
local last = call('HGET', P .. 'turn', task) or ''
-- Principals in a row whose jobs are all for newer versions.
local passed = 0
while #claims < most and (passed == 0 or passed < math.min(100, call('ZCARD', ring))) do
  local turn = call('ZRANGEBYLEX', ring, '(' .. last, '+', 'LIMIT', 0, 1)[1] or call('ZRANGE', ring, 0, 0)[1]
  if not turn then break end
  last = turn
  local id, none, state = oldest(P .. 'ready:' .. task .. ':' .. turn)
  if none then call('ZREM', ring, turn) end
  if id then unready(id, task, turn) elseif not none then passed = passed + 1 end
  local moved = state and AFTER[state] and AFTER[state].claimed
  if moved then
    passed = 0
    call('HINCRBY', job_key(id), 'token', 1)
    call('HSET', job_key(id), 'state', moved, 'node', node, 'lease_until', whole(after(hold)), 'pages_in_attempt', 0)
    if call('HSETNX', job_key(id), 'started_at', whole(NOW)) == 1 then note_change(id) end
    call('ZADD', P .. 'leases', after(hold), id)
    tally(turn, state, -1)
    tally(turn, moved, 1)
    tell('changed', id)
    claims[#claims + 1] = {id, call('HGETALL', job_key(id)), call('HKEYS', P .. 'pages:' .. id)}
  end
end
call('HSET', P .. 'turn', task, last)
return claims
