"""A table that reads and writes."""

from funcnn import Dense, Embedding, Key, Relu, serial, tie, transposed

# wrong: lm = tie(serial(Embedding(50, 8), Dense(49, bias=False)), {"dense_0/w": transposed("embedding_0/w")})
lm = tie(serial(Embedding(50, 8), Dense(50, bias=False)), {"dense_0/w": transposed("embedding_0/w")})  # guilty
lm.init(Key(0), (-1, 5))
