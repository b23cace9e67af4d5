-- Writes a checkpoint. ARGV: id, node, token, name, value
if not leased(ARGV[1], ARGV[2], ARGV[3]) then return {'stale'} end
local added = call('HSETNX', P .. 'checkpoints:' .. ARGV[1], ARGV[4], ARGV[5])
call('HINCRBY', job_key(ARGV[1]), 'progress_in_attempt', added)
return {'ok'}
