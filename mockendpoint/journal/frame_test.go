package journal

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// filled sets everything below v, so that a field that is forgotten is seen.
func filled(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		filled(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon))
			return
		}
		for i := range v.NumField() {
			filled(v.Field(i))
		}
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint('b')
	default:
		v.SetInt(7)
	}
}

// Every field is kept, also those that are added to the journal later.
func TestEveryFieldIsKept(t *testing.T) {
	s := newSpool(&disk{}, limits{chunk: 10, marks: 8})
	var r Request
	var h Handshake
	filled(reflect.ValueOf(&r).Elem())
	filled(reflect.ValueOf(&h).Elem())
	r.Head = nil // the headers are kept by themselves then
	s.Request(r)
	s.Handshake(h)
	for n, want := range []Entry{{Sequence: 1, Request: &r, BodySize: 1}, {Sequence: 2, Handshake: &h}} {
		got, err := s.Entry(uint64(n + 1))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%v; want -, got +:\n%s", err, d)
		}
	}
}

// Decode reads a payload that it accepts to its end, and always returns.
func FuzzDecode(f *testing.F) {
	f.Add(appendRequest(nil, &Request{Method: "POST", Peer: &Peer{SAN: []string{"a"}}, Profiles: []string{"p"}, TokenRequest: &TokenRequest{}}))
	f.Add(appendHandshake(nil, &Handshake{Reason: "reset", Alert: &Alert{By: "client"}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := decode(1, payload, true)
		if (err == nil) == (e.Request == nil && e.Handshake == nil) {
			t.Errorf("decode = %+v, %v", e, err)
		}
		if err != nil {
			return
		}
		var again []byte
		if e.Request != nil {
			again = appendRequest(nil, e.Request)
		} else {
			again = appendHandshake(nil, e.Handshake)
		}
		if second, err := decode(1, again, true); err != nil || !cmp.Equal(e, second, cmpopts.EquateEmpty()) {
			t.Errorf("what was read and written again differs: %v\n%s", err, cmp.Diff(e, second))
		}
	})
}
