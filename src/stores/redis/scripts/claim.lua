-- Leases jobs that may run now, going round the lines, oldest first within each.
-- ARGV: node, task, most, hold, what a vanished attempt costs without and with progress, the newest format understood,
-- this claim's name, and the names of those whose answers did not come
local node, task, most, hold, understood = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[7])
requeue(ARGV[5], ARGV[6])

-- The oldest job of this line that this version understands, not much further than its beginning: its id, whether the
-- line is empty, its state and its principal (of a damaged one, anything).
local function oldest(line)
  local key = P .. 'ready:' .. task .. ':' .. line
  for place = 0, 15 do
    local id = call('ZRANGE', key, place, place)[1]
    if not id then return nil, place == 0 end
    local f = fields(id, 'state', 'format', 'principal')
    if not f[2] or tonumber(f[2]) <= understood then return id, false, f[1], f[3] or line end
  end
end

local ring, claims, memo = P .. 'ring:' .. task, {}, P .. 'claimed:' .. ARGV[8]

local function bring(id)
  call('RPUSH', memo, id, call('HGET', job_key(id), 'token'))
  claims[#claims + 1] = {id, call('HGETALL', job_key(id)), call('HKEYS', P .. 'pages:' .. id)}
end

-- What is leased to this node without its knowing
for n = 9, #ARGV do
  local lost = call('LRANGE', P .. 'claimed:' .. ARGV[n], 0, -1)
  for place = 1, #lost, 2 do
    local id = lost[place]
    if held(id, node, lost[place + 1]) then
      call('HSET', job_key(id), 'lease_until', whole(after(hold)))
      call('ZADD', P .. 'leases', after(hold), id)
      bring(id)
    end
  end
  call('DEL', P .. 'claimed:' .. ARGV[n])
end

local last = call('HGET', P .. 'turn', task) or ''
-- Lines in a row whose jobs are all for newer versions.
local passed = 0
while #claims < most and (passed == 0 or passed < math.min(100, call('ZCARD', ring))) do
  local turn = call('ZRANGEBYLEX', ring, '(' .. last, '+', 'LIMIT', 0, 1)[1] or call('ZRANGE', ring, 0, 0)[1]
  if not turn then break end
  last = turn
  local id, none, state, principal = oldest(turn)
  if none then call('ZREM', ring, turn) end
  if id then unready(id, task, turn) elseif not none then passed = passed + 1 end
  local moved = state and AFTER[state] and AFTER[state].claimed
  if moved then
    passed = 0
    call('HINCRBY', job_key(id), 'token', 1)
    call('HSET', job_key(id), 'state', moved, 'node', node, 'lease_until', whole(after(hold)), 'pages_in_attempt', 0)
    if call('HSETNX', job_key(id), 'started_at', whole(NOW)) == 1 then note_change(id) end
    call('ZADD', P .. 'leases', after(hold), id)
    tally(principal, state, -1)
    tally(principal, moved, 1)
    tell('changed', id)
    bring(id)
  end
end
call('PEXPIRE', memo, math.ceil(hold / 1000))
call('HSET', P .. 'turn', task, last)
return claims
