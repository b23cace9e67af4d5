-- Requeues jobs and ends interrupted attempts; returns the time until the next delay ends, or -1.
-- ARGV: cost of an expired attempt without and with progress
requeue(ARGV[1], ARGV[2])
local first = call('ZRANGE', P .. 'delayed', 0, 0, 'WITHSCORES')[2]
return first and math.max(0, first - NOW) or -1
