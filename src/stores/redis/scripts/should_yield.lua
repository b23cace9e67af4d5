-- Whether a job of this kind is ready in a queue other than these two. ARGV: kind, two queues
for _, queue in ipairs(call('ZRANGE', P .. 'queues:' .. ARGV[1], 0, 2)) do
  if queue ~= ARGV[2] and queue ~= ARGV[3] then return 1 end
end
return 0
