-- Returns jobs that changed after a change number. ARGV: principal (empty: all), change number (empty: return only the last
-- one), limit of examined jobs, limit of their packed requests in bytes; at least one job is returned
local last = tonumber(call('GET', P .. 'last_change') or 0)
local after = tonumber(ARGV[2])
if not after or after > last then return {integer(last), {}} end
local changed = call('ZRANGEBYSCORE', P .. 'changes', '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local up_to, found, bytes = last, {}, 0
if #changed == 2 * tonumber(ARGV[3]) then up_to = tonumber(changed[#changed]) end
for i = 1, #changed, 2 do
  if visible(changed[i], ARGV[1]) then
    bytes = bytes + call('HSTRLEN', job_key(changed[i]), 'spec')
    if #found > 0 and bytes > tonumber(ARGV[4]) then
      up_to = tonumber(changed[i - 1])
      break
    end
    found[#found + 1] = {changed[i], changed[i + 1], call('HGETALL', job_key(changed[i]))}
  end
end
return {integer(up_to), found}
