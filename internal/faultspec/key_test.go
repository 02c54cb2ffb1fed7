package faultspec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each key has a field of a Spec, in the same order, and each field a key: JSON reads what the table names.
func TestKeysAreTheFieldsOfASpec(t *testing.T) {
	var keys, fields []string
	for _, k := range Keys {
		keys = append(keys, k.Name)
	}
	for f := range reflect.TypeFor[Spec]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	if diff := cmp.Diff(keys, fields); diff != "" {
		t.Errorf("-Keys +Spec\n%s", diff)
	}
}

// Defaults and examples are values of their keys, whole numbers and words have bounds, and all keys have a sentence.
func TestKeysAreComplete(t *testing.T) {
	for _, k := range Keys {
		for _, value := range []string{k.Default, k.Example} {
			if value == "" {
				continue
			}
			var s Spec
			if k.Name == "expiresIn" {
				s.On = string(Token)
			}
			if err := json.Unmarshal(fmt.Appendf(nil, "{%q: %s}", k.Name, value), &s); err != nil {
				t.Errorf("%s: the default or example %s: %v", k.Name, value, err)
			}
			for _, p := range s.Problems() {
				if p.Key == k.Name {
					t.Errorf("%s: the default or example %s: %v", k.Name, value, p)
				}
			}
		}
		if _, whole := new(Spec).Field(k.Name).(*int); whole && (k.Least < 1 || k.Most <= k.Least || k.Fix == "") {
			t.Errorf("%s: a whole number needs bounds and a fix", k.Name)
		}
		if k.Default != "" {
			var left, written Spec
			if err := json.Unmarshal(fmt.Appendf(nil, "{%q: %s}", k.Name, k.Default), &written); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(left.Data(), written.Data()); diff != "" {
				t.Errorf("%s: the default %s is not what a fault without the key means:\n%s", k.Name, k.Default, diff)
			}
		}
		if len(k.About) < 15 || !strings.HasSuffix(k.About, ".") {
			t.Errorf("%s: %q is not a description", k.Name, k.About)
		}
	}
}

// Each key of a distribution belongs to a shape and has a field.
func TestKeysOfDistributions(t *testing.T) {
	for i, k := range LatencyKeys {
		switch {
		case i == 0:
			for _, shape := range k.Words {
				if len(Shapes[Shape(shape)]) == 0 {
					t.Errorf("the shape %s has no keys", shape)
				}
			}
		case new(Distribution).Field(k.Name) == nil || k.Fix == "":
			t.Errorf("%s has no field or no fix", k.Name)
		default:
			belongs := func(shape string) bool { return slices.Contains(Shapes[Shape(shape)], k.Name) }
			if !slices.ContainsFunc(LatencyKeys[0].Words, belongs) {
				t.Errorf("%s belongs to no shape", k.Name)
			}
		}
	}
}

// Breaks follows the endings of the table, wherever they are but after the answer.
func TestBreaks(t *testing.T) {
	for _, k := range Keys {
		if k.Ends == Along {
			continue
		}
		for _, phase := range []Phase{Response, Body, End} {
			s := Spec{At: string(phase)}
			value := "true"
			switch s.Field(k.Name).(type) {
			case *int:
				value = "503"
			case **float64:
				value = "1"
			case **Lifetime, *string:
				value = `"none"`
			}
			if err := json.Unmarshal(fmt.Appendf(nil, "{%q: %s}", k.Name, value), &s); err != nil {
				t.Fatal(err)
			}
			f := s.Data()
			if got, want := f.Breaks(), k.Ends == Breaking && phase != End; got != want {
				t.Errorf("%s at %s breaks: %v; want %v", k.Name, phase, got, want)
			}
		}
	}
}
