// Package containers runs httpdest mock and httpdest serve as two hosts: each in
// a container of its own, with nothing in it but the static binary, on private
// networks. Hosts are paused, killed and restarted, and networks are cut and
// healed, which a process cannot do to itself.
//
// Everything is in its tests, which are labelled containers. The image is built
// from an archive in memory, and no registry is used. The specs judge the
// recording of the receiver, copied out of its container, and the dead letters
// of the sender: every update that was accepted was delivered or is dead, and
// none was sent more than three times.
//
// The same behaviour is also tested within one process, in virtual time: here
// it is shown on a real network. Where there is no Docker daemon they are
// skipped and say so; with CI=true they fail.
package containers
