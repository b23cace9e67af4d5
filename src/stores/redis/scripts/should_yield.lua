-- Whether a job of this kind is ready to run in a line other than these two. ARGV: task, two lines
for _, name in ipairs(call('ZRANGE', P .. 'ring:' .. ARGV[1], 0, 2)) do
  if name ~= ARGV[2] and name ~= ARGV[3] then return 1 end
end
return 0
