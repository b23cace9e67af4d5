-- The common part of every script. All keys begin with KEYS[1], a prefix with the one hash tag of a cluster.
-- Moments are microseconds since 1970 in UTC.
local P = KEYS[1]
local call = redis.call

-- A script does not roll back, so it starts only if the user may run all its commands on the keys with the prefix.
local denied = {}
for _, command in ipairs({--{commands}}) do
  if not redis.acl_check_cmd(command, P) then denied[#denied + 1] = command end
end
if #denied > 0 then
  return redis.error_reply('NOPERM the ACL of the user denies on the keys ' .. P .. '*: ' .. table.concat(denied, ', '))
end

-- An integer without an exponent.
local function integer(number)
  return string.format('%.0f', number)
end

local function redis_time()
  local t = call('TIME')
  return t[1] * 1000000 + t[2]
end
--{clock}
local NOW = now()

-- NOW + wait, at most the largest integer that a sorted set stores exactly.
local function from_now(wait)
  return math.min(NOW + wait, 9000000000000000)
end

-- The job state machine: TRANSITIONS[state][cause] is the next state; nil: not allowed.
local TRANSITIONS = --{transitions}

-- The delay after the first, the second and each further crash of a job.
local CRASH_DELAYS = {--{crash_delays}}

-- Notifies all nodes: jobs of a kind are `ready`, or a job is `changed` or `cancelled`. A notification may be lost, so an
-- error is ignored.
local function notify(event, subject)
  redis.pcall('PUBLISH', P .. 'notifications', event .. ' ' .. subject)
end

local function job_key(id)
  return P .. 'job:' .. id
end

local function fields(id, ...)
  return call('HMGET', job_key(id), ...)
end

-- Whether the job exists and belongs to `principal` (empty: any).
local function visible(id, principal)
  local owner = call('HGET', job_key(id), 'principal')
  return owner and (principal == '' or owner == principal)
end

-- Whether `id, node, token` is the job's current lease.
local function leased(id, node, token)
  local f = fields(id, 'state', 'node', 'token')
  return f[1] == 'running' and f[2] == node and f[3] == token
end

-- Assigns the next change number: at admission, first start and settlement.
local function note_change(id)
  call('ZADD', P .. 'changes', call('INCR', P .. 'last_change'), id)
end

-- Counts queued and running jobs, in total and by principal.
local function count(principal, state, by)
  if state ~= 'queued' and state ~= 'running' then return end
  call('HINCRBY', P .. 'counts', state, by)
  if call('HINCRBY', P .. 'open_jobs', principal, by) <= 0 then
    call('HDEL', P .. 'open_jobs', principal)
  end
end

-- Adds a job to its queue at its original position.
local function make_ready(id)
  local f = fields(id, 'kind', 'seq', 'queue')
  call('ZADD', P .. 'ready:' .. f[1] .. ':' .. f[3], f[2], id)
  call('ZADD', P .. 'queues:' .. f[1], 0, f[3])
end

-- Removes a job from its queue, and the queue from the round-robin if it is empty.
local function remove_ready(id, kind, queue)
  local key = P .. 'ready:' .. kind .. ':' .. queue
  call('ZREM', key, id)
  if call('EXISTS', key) == 0 then
    call('ZREM', P .. 'queues:' .. kind, queue)
  end
end

-- Returns a running job to its queue. `attempts` are added to its attempts; `crash_count`: `increment`, `keep` or `clear`.
local function release(id, delay, reason, attempts, crash_count)
  local f = fields(id, 'principal', 'state')
  local state = TRANSITIONS[f[2]] and TRANSITIONS[f[2]].released
  if not state then return end
  call('HINCRBY', job_key(id), 'attempts_spent', attempts)
  if crash_count == 'increment' then
    local crashes = call('HINCRBY', job_key(id), 'crashes', 1)
    delay = math.max(delay, CRASH_DELAYS[math.min(crashes, #CRASH_DELAYS)])
  elseif crash_count == 'clear' then
    call('HSET', job_key(id), 'crashes', 0)
  end
  call('HSET', job_key(id), 'state', state)
  call('HDEL', job_key(id), 'node', 'lease_until', 'not_before')
  if reason ~= '' then call('HSET', job_key(id), 'error', reason) end
  call('ZREM', P .. 'leases', id)
  count(f[1], f[2], -1)
  count(f[1], state, 1)
  if delay > 0 then
    local at = from_now(delay)
    call('HSET', job_key(id), 'not_before', integer(at))
    call('ZADD', P .. 'delayed', at, id)
  else
    make_ready(id)
  end
end

-- The queue of a principal's deliveries to a receiver.
local function due_key(principal, receiver)
  return P .. 'due:' .. principal .. '\31' .. receiver
end

-- Updates the earliest due times of the receiver and of the principal.
local function update_receiver(principal, receiver)
  local function update(index, member, queue)
    local first = call('ZRANGE', queue, 0, 0, 'WITHSCORES')
    if first[1] then call('ZADD', index, first[2], member) else call('ZREM', index, member) end
  end
  local receivers = P .. 'receivers:' .. principal
  update(receivers, receiver, due_key(principal, receiver))
  update(P .. 'due_principals', principal, receivers)
end

local function add_due(id, receiver, due)
  local principal = call('HGET', job_key(id), 'principal')
  call('ZADD', due_key(principal, receiver), due, id)
  update_receiver(principal, receiver)
end

local function remove_due(id, receiver)
  local principal = call('HGET', job_key(id), 'principal')
  call('ZREM', due_key(principal, receiver), id)
  update_receiver(principal, receiver)
end

-- Starts the job's retention period (empty: it does not expire).
local function expire_in(id, retention)
  if retention == '' then
    call('HDEL', job_key(id), 'expires_at')
    call('ZREM', P .. 'expiring', id)
  else
    local at = from_now(tonumber(retention))
    call('HSET', job_key(id), 'expires_at', integer(at))
    call('ZADD', P .. 'expiring', at, id)
  end
end

-- Changes a delivery's state, ends its lease and updates the job's expiry. Returns the new version.
local function set_delivery(id, state, due, attempts, retention)
  local f = fields(id, 'receiver', 'delivery_state')
  call('ZREM', P .. 'attempt_leases', id)
  if f[2] == 'pending' and state ~= 'pending' then call('HINCRBY', P .. 'counts', 'pending_deliveries', -1) end
  if f[2] ~= 'pending' and state == 'pending' then call('HINCRBY', P .. 'counts', 'pending_deliveries', 1) end
  call('HSET', job_key(id), 'delivery_state', state, 'delivery_attempts', integer(attempts),
    'delivery_interruptions', '0', 'replay_requested', '0')
  call('HDEL', job_key(id), 'attempt_until')
  if state == 'pending' then
    call('HSET', job_key(id), 'delivery_due', integer(due))
    add_due(id, f[1], due)
  else
    remove_due(id, f[1])
  end
  expire_in(id, retention)
  return call('HINCRBY', job_key(id), 'delivery_version', 1)
end

-- Starts a new retry schedule: now, or when the attempt in progress ends.
local function replay(id)
  if call('HEXISTS', job_key(id), 'attempt_until') == 1 then
    call('HSET', job_key(id), 'replay_requested', '1')
  else
    set_delivery(id, 'pending', NOW, 0, '')
  end
end

-- Settles a job, creates its delivery if it has a webhook, and ends its lease.
local function settle(id, state, error, counts_as_attempt, retention)
  local f = fields(id, 'state', 'principal', 'kind', 'queue', 'receiver')
  if f[1] == 'queued' then
    remove_ready(id, f[3], f[4])
    call('ZREM', P .. 'delayed', id)
  end
  call('ZREM', P .. 'leases', id)
  count(f[2], f[1], -1)
  call('HDEL', job_key(id), 'node', 'lease_until', 'not_before', 'error')
  call('HSET', job_key(id), 'state', state, 'finished_at', integer(NOW))
  note_change(id)
  if error then call('HSET', job_key(id), 'error', error) end
  if counts_as_attempt == 1 then call('HINCRBY', job_key(id), 'attempts_spent', 1) end
  call('UNLINK', P .. 'checkpoints:' .. id)
  if f[5] then
    call('HSET', job_key(id), 'delivery_state', 'pending', 'delivery_due', integer(NOW), 'delivery_attempts', '0',
      'delivery_interruptions', '0', 'total_attempts', '0', 'delivery_version', '1', 'replay_requested', '0')
    call('HINCRBY', P .. 'counts', 'pending_deliveries', 1)
    add_due(id, f[5], NOW)
  else
    expire_in(id, retention)
  end
end

-- Ends delivery attempts whose lease has expired. A replay that was requested meanwhile starts a new schedule.
local function end_interrupted_attempts()
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'attempt_leases', '-inf', NOW, 'LIMIT', 0, 1000)) do
    local f = fields(id, 'receiver', 'delivery_due', 'replay_requested')
    call('ZREM', P .. 'attempt_leases', id)
    if f[1] and f[2] then
      call('HDEL', job_key(id), 'attempt_until')
      if f[3] == '1' then call('HSET', job_key(id), 'delivery_attempts', '0', 'replay_requested', '0') end
      call('HINCRBY', job_key(id), 'delivery_version', 1)
      add_due(id, f[1], f[2])
    end
  end
end

-- Requeues jobs whose lease has expired, which counts as a crash, or whose delay has passed.
local function requeue()
  end_interrupted_attempts()
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', NOW, 'LIMIT', 0, 1000)) do
    release(id, 0, '', 0, 'increment')
    call('ZREM', P .. 'leases', id)
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'delayed', '-inf', NOW, 'LIMIT', 0, 1000)) do
    call('ZREM', P .. 'delayed', id)
    if call('HGET', job_key(id), 'state') == 'queued' then
      call('HDEL', job_key(id), 'not_before')
      make_ready(id)
    end
  end
end
