package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"
)

// An entry is kept as a frame: the length of its payload, a checksum of payload
// and sequence number (CRC-32C), the sequence number, the payload. The fields
// that queries need come first in the payload: a scan reads no further.
const frameHead = 4 + 4 + 8

// maxFrame bounds a payload: a body of 16 MiB, a head of 1 MiB and some.
const maxFrame = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged is a frame that is not what was written.
var ErrDamaged = errors.New("the journal file is damaged")

// The kinds of a payload.
const (
	frameRequest   = 1
	frameHandshake = 2
)

// meta is what queries ask for.
type meta struct {
	kind     byte
	at       int64 // ns
	socket   int
	status   int
	fault    string
	profiles []string
}

// none stands for the zero time.
const none = math.MinInt64

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return none
	}
	return t.UnixNano()
}

// begin leaves room for the head.
func begin(b []byte) []byte { return append(b[:0], make([]byte, frameHead)...) }

// finish fills in the length and the checksum of the payload alone.
func finish(b []byte) {
	payload := b[frameHead:]
	binary.LittleEndian.PutUint32(b, uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(payload, castagnoli))
}

// number gives a finished frame its sequence number, once.
func number(b []byte, sequence uint64) {
	binary.LittleEndian.PutUint64(b[8:], sequence)
	sum := crc32.Update(binary.LittleEndian.Uint32(b[4:]), castagnoli, b[8:frameHead])
	binary.LittleEndian.PutUint32(b[4:], sum)
}

// frame takes the first frame off data. It shares data's memory.
func frame(data []byte) (sequence uint64, payload, rest []byte, err error) {
	if len(data) < frameHead {
		return 0, nil, nil, ErrDamaged
	}
	length := int(binary.LittleEndian.Uint32(data))
	if length > maxFrame || len(data)-frameHead < length {
		return 0, nil, nil, ErrDamaged
	}
	payload = data[frameHead : frameHead+length]
	sum := crc32.Update(crc32.Checksum(payload, castagnoli), castagnoli, data[8:frameHead])
	if sum != binary.LittleEndian.Uint32(data[4:]) {
		return 0, nil, nil, ErrDamaged
	}
	return binary.LittleEndian.Uint64(data[8:]), payload, data[frameHead+length:], nil
}

func appendText[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendTexts(b []byte, all []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, s := range all {
		b = appendText(b, s)
	}
	return b
}

func appendMeta(b []byte, m meta) []byte {
	b = append(b, m.kind)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.at))
	b = binary.AppendVarint(b, int64(m.socket))
	b = binary.AppendVarint(b, int64(m.status))
	b = appendText(b, m.fault)
	return appendTexts(b, m.profiles)
}

func appendPeer(b []byte, p *Peer) []byte {
	if p == nil {
		return append(b, 0)
	}
	b = appendTexts(appendText(append(b, 1), p.CommonName), p.SAN)
	return binary.AppendVarint(appendText(b, p.Issuer), nanos(p.Expires))
}

// appendRequest appends the payload of a request. The headers are those of the
// head where there is one.
func appendRequest(b []byte, r *Request) []byte {
	b = appendMeta(b, meta{frameRequest, nanos(r.Arrived), r.Socket, r.Status, r.Fault, r.Profiles})
	var flags byte
	for i, is := range []bool{r.Disconnected, r.TokenRequest != nil, len(r.Head) == 0, len(r.Forwards) > 0} {
		if is {
			flags |= 1 << i
		}
	}
	b = append(b, flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(nanos(r.Answered)))
	b = binary.AppendVarint(b, int64(r.Number))
	b = binary.AppendVarint(b, int64(r.Token))
	b = appendText(appendText(b, r.Remote), r.Method)
	b = appendText(appendText(b, r.Target), r.Proto)
	b = appendText(appendText(b, r.TLS), r.Cipher)
	b = appendText(appendText(b, r.ServerName), string(r.Authorization))
	b = appendText(appendText(b, r.Listener), r.Refused)
	b = appendTexts(b, r.Matched)
	b = appendPeer(b, r.Peer)
	if q := r.TokenRequest; q != nil {
		b = appendText(appendText(b, q.Grant), q.Credentials)
	}
	if len(r.Forwards) > 0 {
		b = appendForwards(b, r.Forwards)
	}
	b = appendText(b, r.Head)
	if len(r.Head) == 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Headers)))
		for _, h := range r.Headers {
			b = appendText(appendText(b, h.Name), h.Value)
		}
	}
	return appendText(b, r.Body)
}

func appendForwards(b []byte, all []Forward) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, f := range all {
		b = binary.LittleEndian.AppendUint64(b, uint64(nanos(f.Sent)))
		b = appendText(binary.AppendVarint(binary.AppendVarint(b, int64(f.Took)), int64(f.Status)), f.Failure)
	}
	return b
}

func appendHandshake(b []byte, h *Handshake) []byte {
	b = appendMeta(b, meta{frameHandshake, nanos(h.Accepted), h.Socket, 0, h.Fault, nil})
	b = binary.LittleEndian.AppendUint64(b, uint64(nanos(h.Ended)))
	b = appendText(appendText(b, h.Remote), h.Reason)
	b = appendText(appendText(b, h.TLS), h.ServerName)
	b = appendText(b, h.Listener)
	if h.Alert == nil {
		b = append(b, 0)
	} else {
		b = appendText(append(b, 1), h.Alert.By)
		b = appendText(binary.AppendUvarint(b, uint64(h.Alert.Code)), h.Alert.Description)
	}
	return appendPeer(b, h.Peer)
}
