// Times gnark and gnark-crypto for the benches. It reads one JSON request a line and answers each with one JSON line;
// benches/peers/protocol.md says what they hold.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/consensys/gnark/logger"
)

type request struct {
	Op      string            `json:"op"`
	Size    int               `json:"size"`
	Repeat  int               `json:"repeat"`
	Threads int               `json:"threads"`
	Files   map[string]string `json:"files"`
}

type reply struct {
	WallS   float64 `json:"wall_s"`
	CPUS    float64 `json:"cpu_s"`
	Digest  string  `json:"digest"`
	PeakMiB float64 `json:"peak_mib"`
	Error   string  `json:"error,omitempty"`
	Version string  `json:"version,omitempty"`
	Proof   int64   `json:"proof_bytes,omitempty"`
}

// An operation prepares its inputs, untimed, and gives the call to time and the digest of what it left behind.
type operation func(request) (call func(), digest func() string)

var proofBytes int64 // of the last answer's proof, 0 where there is none

var operations = map[string]operation{}

func usage() syscall.Rusage {
	var use syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return use
}

func cpuSeconds() float64 {
	use := usage()
	return float64(use.Utime.Nano()+use.Stime.Nano()) / 1e9
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func require(truth bool, what string) {
	if !truth {
		panic(what)
	}
}

func hashed(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func answer(ask request) (found reply) {
	defer func() {
		if failure := recover(); failure != nil {
			found = reply{Error: fmt.Sprint(failure)}
		}
	}()
	if ask.Op == "hello" {
		found.Version = versions()
		return found
	}
	operation, known := operations[ask.Op]
	require(known, "no such operation: "+ask.Op)
	runtime.GOMAXPROCS(max(1, ask.Threads))
	call, digest := operation(ask)
	runtime.GC() // what preparing left behind is not the call's
	cpu, start := cpuSeconds(), time.Now()
	for i := 0; i < max(1, ask.Repeat); i++ {
		call()
	}
	n := float64(max(1, ask.Repeat))
	found.WallS, found.CPUS = time.Since(start).Seconds()/n, (cpuSeconds()-cpu)/n
	proofBytes = 0
	found.Digest, found.PeakMiB = digest(), float64(usage().Maxrss)/1024
	found.Proof = proofBytes
	return found
}

// Module versions as go.sum pins them.
func versions() string {
	text := ""
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		switch module.Path {
		case "github.com/consensys/gnark":
			text += "gnark " + module.Version + ", "
		case "github.com/consensys/gnark-crypto":
			text += "gnark-crypto " + module.Version + ", "
		}
	}
	return text + runtime.Version()
}

func main() {
	logger.Disable()
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var ask request
		must(json.Unmarshal(lines.Bytes(), &ask))
		must(out.Encode(answer(ask)))
	}
}
