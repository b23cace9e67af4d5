-- Whether a job of this kind is ready to run in another line than this one. ARGV: task, line
for _, name in ipairs(call('ZRANGE', P .. 'ring:' .. ARGV[1], 0, 1)) do
  if name ~= ARGV[2] then return 1 end
end
return 0
