-- What every script begins with. Keys are made from KEYS[1], the prefix that carries the one hash tag.
-- Moments are microseconds since 1970 in UTC.
local P = KEYS[1]
local call = redis.call

local function whole(number)
  return string.format('%.0f', number)
end

local function time()
  local t = call('TIME')
  return t[1] * 1000000 + t[2]
end
--{clock}
local NOW = now()
-- A moment further away than this is for ever.
local function after(wait)
  return math.min(NOW + wait, 9000000000000000)
end

-- Which state follows on which cause; nil: the move is not allowed.
local AFTER = --{moves}

-- Says to all nodes: a task is `ready`, or a job `changed` or was `cancelled`.
local function tell(what, of)
  call('PUBLISH', P .. 'wake', what .. ' ' .. of)
end

local function job_key(id)
  return P .. 'job:' .. id
end

local function fields(id, ...)
  return call('HMGET', job_key(id), ...)
end

-- An admission, a first start or an end, numbered, for who follows all jobs.
local function note_change(id)
  call('ZADD', P .. 'changed', call('INCR', P .. 'change'), id)
end

local function tally(principal, state, by)
  if state ~= 'queued' and state ~= 'running' then return end
  call('HINCRBY', P .. 'tally', state, by)
  if call('HINCRBY', P .. 'open', principal, by) <= 0 then
    call('HDEL', P .. 'open', principal)
  end
end

-- Where a job waits for its turn; an older version knows one line of each principal, and names it after him.
local function line_of(id)
  local f = fields(id, 'line', 'principal')
  return f[1] or f[2]
end

-- Into its line, at its place, and the line into the ring.
local function make_ready(id)
  local f, line = fields(id, 'task', 'seq'), line_of(id)
  call('ZADD', P .. 'ready:' .. f[1] .. ':' .. line, f[2], id)
  call('ZADD', P .. 'ring:' .. f[1], 0, line)
end

local function unready(id, task, line)
  local key = P .. 'ready:' .. task .. ':' .. line
  call('ZREM', key, id)
  if call('EXISTS', key) == 0 then
    call('ZREM', P .. 'ring:' .. task, line)
  end
end

-- Whether the lease `id, node, token` is the job's newest.
local function held(id, node, token)
  local f = fields(id, 'state', 'node', 'token')
  return f[1] == 'running' and f[2] == node and f[3] == token
end

-- Back to the queue, at the old place. `cost`: the attempts it costs without progress and with some.
local function release(id, wait, reason, cost_idle, cost_busy)
  local f = fields(id, 'principal', 'pages_in_attempt', 'state')
  local state = AFTER[f[3]] and AFTER[f[3]].handed_back
  if not state then return end
  local spent = tonumber(f[2]) > 0 and cost_busy or cost_idle
  call('HINCRBY', job_key(id), 'attempts_spent', spent)
  call('HSET', job_key(id), 'state', state)
  call('HDEL', job_key(id), 'node', 'lease_until', 'not_before')
  if reason ~= '' then call('HSET', job_key(id), 'error', reason) end
  call('ZREM', P .. 'leases', id)
  tally(f[1], f[3], -1)
  tally(f[1], state, 1)
  if wait > 0 then
    local at = after(wait)
    call('HSET', job_key(id), 'not_before', whole(at))
    call('ZADD', P .. 'later', at, id)
  else
    make_ready(id)
  end
end

-- When the first delivery to this receiver is due, for who goes round the receivers.
local function note_receiver(receiver)
  local first = call('ZRANGE', P .. 'due:' .. receiver, 0, 0, 'WITHSCORES')
  if first[1] then
    call('ZADD', P .. 'receivers', first[2], receiver)
  else
    call('ZREM', P .. 'receivers', receiver)
  end
end

local function await_delivery(id, receiver, due)
  call('ZADD', P .. 'due:' .. receiver, due, id)
  note_receiver(receiver)
end

local function unawait_delivery(id, receiver)
  call('ZREM', P .. 'due:' .. receiver, id)
  note_receiver(receiver)
end

-- From now on, or never (`keep` is empty).
local function expire_in(id, keep)
  if keep == '' then
    call('HDEL', job_key(id), 'expires_at')
    call('ZREM', P .. 'expiring', id)
  else
    local at = after(tonumber(keep))
    call('HSET', job_key(id), 'expires_at', whole(at))
    call('ZADD', P .. 'expiring', at, id)
  end
end

-- Moves a delivery and frees its lease; where it ended, its job's remaining time begins. Returns the new version.
local function move_delivery(id, state, due, attempts, keep)
  local f = fields(id, 'receiver', 'd_state')
  call('ZREM', P .. 'sending', id)
  if f[2] == 'pending' and state ~= 'pending' then call('HINCRBY', P .. 'tally', 'pending', -1) end
  if f[2] ~= 'pending' and state == 'pending' then call('HINCRBY', P .. 'tally', 'pending', 1) end
  call('HSET', job_key(id), 'd_state', state, 'd_attempts', whole(attempts), 'd_interruptions', '0', 'd_again', '0')
  call('HDEL', job_key(id), 'd_lease_until')
  if state == 'pending' then
    call('HSET', job_key(id), 'd_due', whole(due))
    await_delivery(id, f[1], due)
  else
    unawait_delivery(id, f[1])
  end
  expire_in(id, keep)
  return call('HINCRBY', job_key(id), 'd_version', 1)
end

-- Makes a delivery due by a fresh schedule: now, or when the attempt under way is over.
local function send_again(id)
  if call('HEXISTS', job_key(id), 'd_lease_until') == 1 then
    call('HSET', job_key(id), 'd_again', '1')
  else
    move_delivery(id, 'pending', NOW, 0, '')
  end
end

-- Ends a job, queues its webhook if it has one, and frees the lease.
local function finish(id, state, error, counts, keep)
  local f = fields(id, 'state', 'principal', 'task', 'receiver')
  if f[1] == 'queued' then
    unready(id, f[3], line_of(id))
    call('ZREM', P .. 'later', id)
  end
  call('ZREM', P .. 'leases', id)
  tally(f[2], f[1], -1)
  call('HDEL', job_key(id), 'node', 'lease_until', 'not_before', 'error')
  call('HSET', job_key(id), 'state', state, 'finished_at', whole(NOW))
  note_change(id)
  if error then call('HSET', job_key(id), 'error', error) end
  if counts == 1 then call('HINCRBY', job_key(id), 'attempts_spent', 1) end
  call('UNLINK', P .. 'steps:' .. id)
  if f[4] then
    call('HSET', job_key(id), 'd_state', 'pending', 'd_due', whole(NOW), 'd_attempts', '0', 'd_interruptions', '0',
      'd_made', '0', 'd_version', '1', 'd_again', '0')
    call('HINCRBY', P .. 'tally', 'pending', 1)
    await_delivery(id, f[4], NOW)
  else
    expire_in(id, keep)
  end
end

-- Frees deliveries whose sender did not come back in time.
local function free_deliveries()
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'sending', '-inf', NOW, 'LIMIT', 0, 1000)) do
    local f = fields(id, 'receiver', 'd_due', 'd_again')
    call('ZREM', P .. 'sending', id)
    if f[1] and f[2] then
      call('HDEL', job_key(id), 'd_lease_until')
      -- A replay asked for meanwhile is the next attempt.
      if f[3] == '1' then call('HSET', job_key(id), 'd_attempts', '0', 'd_again', '0') end
      call('HINCRBY', job_key(id), 'd_version', 1)
      await_delivery(id, f[1], f[2])
    end
  end
end

-- Jobs whose lease ran out or whose wait is over go back to the queue.
local function requeue(cost_idle, cost_busy)
  free_deliveries()
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', NOW, 'LIMIT', 0, 1000)) do
    release(id, 0, '', cost_idle, cost_busy)
    call('ZREM', P .. 'leases', id)
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'later', '-inf', NOW, 'LIMIT', 0, 1000)) do
    call('ZREM', P .. 'later', id)
    if call('HGET', job_key(id), 'state') == 'queued' then
      call('HDEL', job_key(id), 'not_before')
      make_ready(id)
    end
  end
end

-- The job, if `principal` (empty: anybody) may see it.
local function visible(id, principal)
  local owner = call('HGET', job_key(id), 'principal')
  return owner and (principal == '' or owner == principal)
end
