-- Jobs that changed after `after`. ARGV: principal (empty: all), after (empty: only the last number), how many to look at
-- and how many bytes of packed requests between them, beyond the first
local last = tonumber(call('GET', P .. 'change') or 0)
local after = tonumber(ARGV[2])
if not after or after > last then return {whole(last), {}} end
local changed = call('ZRANGEBYSCORE', P .. 'changed', '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local upto, found, bytes = last, {}, 0
if #changed == 2 * tonumber(ARGV[3]) then upto = tonumber(changed[#changed]) end
for i = 1, #changed, 2 do
  if visible(changed[i], ARGV[1]) then
    bytes = bytes + call('HSTRLEN', job_key(changed[i]), 'spec')
    if #found > 0 and bytes > tonumber(ARGV[4]) then
      upto = tonumber(changed[i - 1])
      break
    end
    found[#found + 1] = {changed[i], changed[i + 1], call('HGETALL', job_key(changed[i]))}
  end
end
return {whole(upto), found}
