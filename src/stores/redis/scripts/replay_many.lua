-- As replay, for those of a stretch of the list that fit; returns how many, and where the next stretch begins.
-- ARGV: from (a job's number), how many to look at, principal, state, since, receiver (empty: any)
local key = ARGV[3] == '' and P .. 'all' or P .. 'of:' .. ARGV[3]
local ids = call('ZRANGEBYSCORE', key, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local chosen, last = 0, ''
for n = 1, #ids, 2 do
  local f = fields(ids[n], 'd_state', 'finished_at', 'receiver')
  last = ids[n + 1]
  if f[1] and (ARGV[4] == '' or f[1] == ARGV[4]) and (ARGV[6] == '' or f[3] == ARGV[6])
    and (ARGV[5] == '' or tonumber(f[2]) >= tonumber(ARGV[5])) then
    send_again(ids[n])
    chosen = chosen + 1
  end
end
return {chosen, last}
