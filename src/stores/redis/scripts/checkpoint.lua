-- Writes down a step of the work. ARGV: id, node, token, name, value
if not held(ARGV[1], ARGV[2], ARGV[3]) then return {'lost'} end
local added = call('HSETNX', P .. 'steps:' .. ARGV[1], ARGV[4], ARGV[5])
call('HINCRBY', job_key(ARGV[1]), 'pages_in_attempt', added)
return {'ok'}
