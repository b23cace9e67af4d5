-- Prolongs leases; returns the places of those that are lost. ARGV: hold, then id, node and token of each
local lost, hold = {}, tonumber(ARGV[1])
for n = 2, #ARGV, 3 do
  if held(ARGV[n], ARGV[n + 1], ARGV[n + 2]) then
    call('HSET', job_key(ARGV[n]), 'lease_until', whole(after(hold)))
    call('ZADD', P .. 'leases', after(hold), ARGV[n])
  else
    lost[#lost + 1] = (n - 2) / 3
  end
end
return lost
