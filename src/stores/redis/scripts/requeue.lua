-- What time does to jobs and deliveries; returns how long until the next one's turn, or -1.
-- ARGV: what a vanished attempt costs without and with progress
requeue(ARGV[1], ARGV[2])
local first = call('ZRANGE', P .. 'later', 0, 0, 'WITHSCORES')[2]
return first and math.max(0, first - NOW) or -1
