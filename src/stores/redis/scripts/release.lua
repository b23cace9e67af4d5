-- Gives a job back. ARGV: id, node, token, wait, reason, what it costs without and with progress
if not held(ARGV[1], ARGV[2], ARGV[3]) then return {'lost'} end
release(ARGV[1], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7])
tell('ready', call('HGET', job_key(ARGV[1]), 'task'))
return {'ok'}
