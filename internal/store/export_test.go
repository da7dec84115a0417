package store

// Doubt has a claim taken for one whose commit was not answered.
func (s *Store) Doubt(token int64) { s.doubt(token) }
