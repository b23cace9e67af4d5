-- Admits a job, unless its idempotency key is in use or the queue is full.
-- ARGV: id, principal, kind, spec, webhook, receiver, total, key, fingerprint, limit of queued jobs, limit of the principal's
-- open jobs (empty: unlimited), job format, queue
local id, principal, kind, spec, webhook, receiver, total, key, fingerprint = unpack(ARGV, 1, 9)
local max_queued, max_open, format, queue = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
local slot = principal .. '\0' .. key
if key ~= '' then
  local existing = call('HGET', P .. 'idempotency_keys', slot)
  local stored = existing and call('HGET', job_key(existing), 'fingerprint')
  if stored == fingerprint then return {'duplicate', existing} end
  if stored then return {'key_reused'} end
end
-- A retry after a lost response
if call('EXISTS', job_key(id)) == 1 then return {'admitted'} end
if max_queued ~= '' and tonumber(call('HGET', P .. 'counts', 'queued') or 0) >= tonumber(max_queued) then
  return {'full'}
end
if max_open ~= '' and tonumber(call('HGET', P .. 'open_jobs', principal) or 0) >= tonumber(max_open) then
  return {'principal_full'}
end
local seq = call('INCR', P .. 'last_seq')
call('HSET', job_key(id), 'seq', seq, 'principal', principal, 'queue', queue, 'kind', kind, 'format', format, 'spec', spec,
  'state', 'queued', 'total', total, 'done', 0, 'failed', 0, 'attempts_spent', 0, 'crashes', 0, 'token', 0,
  'created_at', integer(NOW))
if webhook ~= '' then call('HSET', job_key(id), 'webhook_config', webhook, 'receiver', receiver) end
if key ~= '' then
  call('HSET', job_key(id), 'idempotency_key', slot, 'fingerprint', fingerprint)
  call('HSET', P .. 'idempotency_keys', slot, id)
end
note_change(id)
call('ZADD', P .. 'jobs', seq, id)
call('ZADD', P .. 'jobs_of:' .. principal, seq, id)
count(principal, 'queued', 1)
make_ready(id)
notify('ready', kind)
return {'admitted'}
