-- Admits a job, unless its idempotency key is taken or the queue is full.
-- ARGV: id, principal, task, spec, webhook, receiver, total, key, fingerprint, most queued, most of one principal, format,
-- its line
local id, principal, task, spec, webhook, receiver, total, key, fingerprint = unpack(ARGV, 1, 9)
local slot = principal .. '\0' .. key
if key ~= '' then
  local known = call('HGET', P .. 'keys', slot)
  local print = known and call('HGET', job_key(known), 'fingerprint')
  if print == fingerprint then return {'known', known} end
  if print then return {'reused'} end
end
-- Sent a second time, because the answer to the first was lost on the way.
if call('EXISTS', job_key(id)) == 1 then return {'admitted'} end
if ARGV[10] ~= '' and tonumber(call('HGET', P .. 'tally', 'queued') or 0) >= tonumber(ARGV[10]) then
  return {'full'}
end
if ARGV[11] ~= '' and tonumber(call('HGET', P .. 'open', principal) or 0) >= tonumber(ARGV[11]) then
  return {'full for principal'}
end
local seq = call('INCR', P .. 'seq')
call('HSET', job_key(id), 'seq', seq, 'principal', principal, 'task', task, 'spec', spec, 'state', 'queued', 'total', total,
  'done', 0, 'failed', 0, 'attempts_spent', 0, 'pages_in_attempt', 0, 'token', 0, 'created_at', whole(NOW))
if webhook ~= '' then call('HSET', job_key(id), 'webhook_config', webhook, 'receiver', receiver) end
if ARGV[13] ~= principal then call('HSET', job_key(id), 'line', ARGV[13]) end
if ARGV[12] ~= '1' then call('HSET', job_key(id), 'format', ARGV[12]) end
if key ~= '' then
  call('HSET', job_key(id), 'key', slot, 'fingerprint', fingerprint)
  call('HSET', P .. 'keys', slot, id)
end
note_change(id)
call('ZADD', P .. 'all', seq, id)
call('ZADD', P .. 'of:' .. principal, seq, id)
tally(principal, 'queued', 1)
make_ready(id)
tell('ready', task)
return {'admitted'}
