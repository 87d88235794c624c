package child

import "errors"

// Alive returns nil as long as somebody waits for the children; an error means that no exit will be noticed any more.
func (h *Host) Alive() error {
	select {
	case <-h.closing:
		return nil
	default:
	}
	select {
	case <-h.ended:
		return errors.New("nobody waits for children any more")
	default:
		return nil
	}
}
