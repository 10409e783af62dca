/**
 * The buckets of many keys, taken from in one step on the Redis server (KEYS in, waits out). A
 * bucket is stored as the time, in milliseconds of the server's clock, at which it is full again.
 * Each token taken moves that time on, and a full bucket has no key. ARGV is the rate per second,
 * the burst, then the cost of each key in tokens. The answer for a key is 0 if the tokens were
 * there, else the microseconds until they are (the numbers of a script are cut to integers).
 *
 * A clock that is set back must not make users wait until it has caught up, so no bucket is later
 * full than an empty one.
 */
export const TAKE_SHARED_TOKENS = `
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + clock[2] / 1000
  local perToken = 1000 / tonumber(ARGV[1])
  local toFill = tonumber(ARGV[2]) * perToken
  local waits = {}
  for index, key in ipairs(KEYS) do
    local fullAt = math.min(math.max(tonumber(redis.call('GET', key) or 0), now), now + toFill)
    local cost = math.min(tonumber(ARGV[2 + index]) * perToken, toFill)
    local excess = fullAt + cost - now - toFill
    -- Below the precision of a double at this size of number.
    if excess < 0.001 then
      fullAt = fullAt + cost
      redis.call('SET', key, string.format('%.3f', fullAt), 'PX', math.ceil(fullAt - now) + 1)
      waits[index] = 0
    else
      waits[index] = math.ceil(excess * 1000)
    end
  end
  return waits
`
