-- KEYS token; ARGV minted, grace, kept
supersede(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
return {'done'}
