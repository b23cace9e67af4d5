-- Replays matching deliveries of one batch of jobs; returns their number and the next batch's cursor (empty: none).
-- ARGV: cursor (a job's seq), batch size, principal, state, since, origin of the receiver (empty: any)
local key = ARGV[3] == '' and P .. 'jobs' or P .. 'jobs_of:' .. ARGV[3]
local ids = call('ZRANGEBYSCORE', key, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local replayed, cursor = 0, ''
for n = 1, #ids, 2 do
  local f = fields(ids[n], 'delivery_state', 'finished_at', 'receiver')
  cursor = ids[n + 1]
  if f[1] and (ARGV[4] == '' or f[1] == ARGV[4]) and (ARGV[6] == '' or f[3] and f[3]:sub(1, #ARGV[6] + 1) == ARGV[6] .. ' ')
    and (ARGV[5] == '' or tonumber(f[2]) >= tonumber(ARGV[5])) then
    replay(ids[n])
    replayed = replayed + 1
  end
end
return {replayed, cursor}
