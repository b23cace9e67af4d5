-- Writes a checkpoint. ARGV: id, node, token, name, value
if not leased(ARGV[1], ARGV[2], ARGV[3]) then return {'stale'} end
call('HSETNX', P .. 'checkpoints:' .. ARGV[1], ARGV[4], ARGV[5])
return {'ok'}
