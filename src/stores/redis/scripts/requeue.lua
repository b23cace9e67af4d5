-- Requeues jobs and ends interrupted attempts; returns the time until the next delay ends, or -1.
requeue()
local first = call('ZRANGE', P .. 'delayed', 0, 0, 'WITHSCORES')[2]
return first and math.max(0, first - NOW) or -1
