-- Leases ready jobs: round-robin over the queues, oldest first within a queue.
-- ARGV: node, kind, limit, lease duration, newest supported job format, name of this claim, names of unacknowledged claims
local node, kind, limit, lease, format = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
requeue()

-- The oldest job near the head of the queue whose format is supported: id, whether the queue is empty, state, principal.
-- A damaged job has no principal.
local function oldest(queue)
  local key = P .. 'ready:' .. kind .. ':' .. queue
  for position = 0, 15 do
    local id = call('ZRANGE', key, position, position)[1]
    if not id then return nil, position == 0 end
    local f = fields(id, 'state', 'format', 'principal')
    if not f[2] or tonumber(f[2]) <= format then return id, false, f[1], f[3] or queue end
  end
end

local queues, claims, claimed = P .. 'queues:' .. kind, {}, P .. 'claim:' .. ARGV[6]

local function add(id)
  call('RPUSH', claimed, id, call('HGET', job_key(id), 'token'))
  claims[#claims + 1] = {id, call('HGETALL', job_key(id)), call('HKEYS', P .. 'pages:' .. id)}
end

-- Jobs of unacknowledged claims, which are leased to this node without its knowledge
for n = 7, #ARGV do
  local key = P .. 'claim:' .. ARGV[n]
  local jobs = call('LRANGE', key, 0, -1)
  for position = 1, #jobs, 2 do
    local id = jobs[position]
    if leased(id, node, jobs[position + 1]) then
      call('HSET', job_key(id), 'lease_until', integer(from_now(lease)))
      call('ZADD', P .. 'leases', from_now(lease), id)
      add(id)
    end
  end
  call('DEL', key)
end

local last = call('HGET', P .. 'last_claimed_queue', kind) or ''
-- Consecutive queues with unsupported jobs only
local unsupported = 0
while #claims < limit and (unsupported == 0 or unsupported < math.min(100, call('ZCARD', queues))) do
  local queue = call('ZRANGEBYLEX', queues, '(' .. last, '+', 'LIMIT', 0, 1)[1] or call('ZRANGE', queues, 0, 0)[1]
  if not queue then break end
  last = queue
  local id, empty, state, principal = oldest(queue)
  if empty then call('ZREM', queues, queue) end
  if id then remove_ready(id, kind, queue) elseif not empty then unsupported = unsupported + 1 end
  local next_state = state and TRANSITIONS[state] and TRANSITIONS[state].claimed
  if next_state then
    unsupported = 0
    call('HINCRBY', job_key(id), 'token', 1)
    call('HDEL', job_key(id), 'waiting_for')
    call('HSET', job_key(id), 'state', next_state, 'node', node, 'lease_until', integer(from_now(lease)))
    if call('HSETNX', job_key(id), 'started_at', integer(NOW)) == 1 then note_change(id) end
    call('ZADD', P .. 'leases', from_now(lease), id)
    count(principal, state, -1)
    count(principal, next_state, 1)
    notify('changed', id)
    add(id)
  end
end
call('PEXPIRE', claimed, math.ceil(lease / 1000))
call('HSET', P .. 'last_claimed_queue', kind, last)
return claims
