-- Extends leases; returns the positions of stale ones. ARGV: lease duration, then id, node and token of each lease
local stale, lease = {}, tonumber(ARGV[1])
for n = 2, #ARGV, 3 do
  if leased(ARGV[n], ARGV[n + 1], ARGV[n + 2]) then
    call('HSET', job_key(ARGV[n]), 'lease_until', integer(from_now(lease)))
    call('ZADD', P .. 'leases', from_now(lease), ARGV[n])
  else
    stale[#stale + 1] = (n - 2) / 3
  end
end
return stale
