-- Records finished pages. ARGV: id, node, token, then index, success, error and result of each page
local id = ARGV[1]
if not leased(id, ARGV[2], ARGV[3]) then return {'stale'} end
local total, done, failed = tonumber(call('HGET', job_key(id), 'total')), 0, 0
for n = 4, #ARGV, 4 do
  if tonumber(ARGV[n]) < total and call('HSETNX', P .. 'pages:' .. id, ARGV[n], ARGV[n + 3]) == 1 then
    done = done + 1
    if ARGV[n + 1] == '0' then
      failed = failed + 1
      call('HSET', P .. 'errors:' .. id, ARGV[n], ARGV[n + 2])
    end
  end
end
notify('changed', id)
return {'ok', call('HINCRBY', job_key(id), 'done', done), call('HINCRBY', job_key(id), 'failed', failed), total}
