package child

// errnoName is empty: Windows numbers its errors and names them for programmers only.
func errnoName(error) string { return "" }
