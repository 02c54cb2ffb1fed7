package faultspec

import (
	"maps"
	"reflect"
)

// every is the range that selects all.
var every = Range{First: 1}

// Fault is Data, or the error of Validate.
func (s *Spec) Fault() (Fault, error) {
	if err := s.Validate(); err != nil {
		return Fault{}, err
	}
	return s.Data(), nil
}

// Data is the fault as data, whatever its problems. A default that was written is the same as one that was left out.
func (s *Spec) Data() Fault {
	f := Fault{Phase: Phase(s.At), ProfileNames: s.Profile + s.Profiles}
	alike(s, &f, func(written, meant reflect.Value) {
		if written.Kind() == reflect.Pointer && meant.Kind() != reflect.Pointer {
			if written.IsNil() {
				return
			}
			written = written.Elem()
		}
		meant.Set(written.Convert(meant.Type()))
	})
	f.Headers = maps.Clone(f.Headers)
	if s.Latency != nil {
		f.Latency, f.Latencies = s.Latency.Fixed.value(), s.Latency.Distribution
	}
	f.withoutDefaults()
	return f
}

// withoutDefaults leaves out defaults.
func (f *Fault) withoutDefaults() {
	if f.On == "message" {
		f.On = Message
	}
	if f.Phase == Response {
		f.Phase = ""
	}
	if f.Every == 1 {
		f.Every = 0
	}
	if f.Requests == every || f.Early() {
		f.Requests = Range{}
	}
	if f.Connections == every && !f.Early() {
		f.Connections = Range{}
	}
	if f.Probability >= 1 {
		f.Probability = 0
	}
}

// SpecOf is the fault as people write it, without defaults.
func SpecOf(f Fault) Spec {
	f.withoutDefaults()
	if f.Probability < 0 {
		f.Probability = 0 // Check reports it
	}
	if f.Rate <= 0 {
		f.Rate = 0
	} else if f.Status == tooMany {
		f.Status = 0
	}
	s := Spec{Profiles: f.ProfileNames, At: string(f.Phase)}
	alike(&s, &f, func(written, meant reflect.Value) {
		if written.Kind() != reflect.Pointer || meant.Kind() == reflect.Pointer {
			written.Set(meant.Convert(written.Type()))
		} else if !meant.IsZero() {
			written.Set(reflect.New(written.Type().Elem()))
			written.Elem().Set(meant.Convert(written.Type().Elem()))
		}
	})
	s.Headers = maps.Clone(s.Headers)
	if f.Early() && s.Connections == nil {
		s.Connections = &Range{First: 1}
	}
	if f.Latency > 0 || f.Latencies != nil {
		s.Latency = &Latency{Duration(f.Latency), f.Latencies}
	}
	return s
}

// alike hands on the fields with one name and one kind of value in both forms. A pointer of a Spec is a value
// of a Fault, nil its zero; both have a pointer for a value whose zero means something.
func alike(s *Spec, f *Fault, do func(written, meant reflect.Value)) {
	spec, fault := reflect.ValueOf(s).Elem(), reflect.ValueOf(f).Elem()
	for i := range spec.NumField() {
		written, meant := spec.Field(i), fault.FieldByName(spec.Type().Field(i).Name)
		if !meant.IsValid() {
			continue
		}
		kind := written.Type()
		if kind.Kind() == reflect.Pointer && meant.Kind() != reflect.Pointer {
			kind = kind.Elem()
		}
		if kind.Kind() == meant.Kind() && kind.ConvertibleTo(meant.Type()) {
			do(written, meant)
		}
	}
}
