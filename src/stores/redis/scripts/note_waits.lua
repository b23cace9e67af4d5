-- Notes what running jobs wait for (empty: nothing). ARGV: id, node, token and note of each lease
for n = 1, #ARGV, 4 do
  if leased(ARGV[n], ARGV[n + 1], ARGV[n + 2]) then
    if ARGV[n + 3] == '' then
      call('HDEL', job_key(ARGV[n]), 'waiting_for')
    else
      call('HSET', job_key(ARGV[n]), 'waiting_for', ARGV[n + 3])
    end
  end
end
return 1
