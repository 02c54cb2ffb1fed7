package local

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// decodeAttributes reads attributes back; a number is a json.Number.
func decodeAttributes(raw []byte) (map[string]any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		// The only stored text that encoding/json refuses has more than 10,000
		// levels, which earlier versions accepted.
		return decodeDeep(raw)
	}
	return out, nil
}

// decodeDeep reads an object of any depth: its own stack grows, and not the
// goroutine's.
func decodeDeep(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var open []*container
	for {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errShort, err)
		}
		var value any
		switch token := token.(type) {
		case json.Delim:
			if token == '{' || token == '[' {
				open = append(open, newContainer(token))
				continue
			}
			value = open[len(open)-1].value()
			open = open[:len(open)-1]
		default:
			value = token
		}
		if len(open) > 0 {
			open[len(open)-1].add(value)
			continue
		}
		out, ok := value.(map[string]any)
		if !ok || d.InputOffset() != int64(len(raw)) {
			return nil, errShort
		}
		return out, nil
	}
}

// container is an object or a list that is being read.
type container struct {
	object map[string]any // nil: a list
	list   []any
	key    string
	keyed  bool // the value of key comes next
}

func newContainer(kind json.Delim) *container {
	if kind == '{' {
		return &container{object: map[string]any{}}
	}
	return &container{list: []any{}}
}

func (c *container) add(value any) {
	switch {
	case c.object == nil:
		c.list = append(c.list, value)
	case c.keyed:
		c.object[c.key], c.keyed = value, false
	default:
		c.key, c.keyed = value.(string), true // the decoder takes nothing else for a key
	}
}

func (c *container) value() any {
	if c.object != nil {
		return c.object
	}
	return c.list
}
