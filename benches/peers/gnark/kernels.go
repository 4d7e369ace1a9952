package main

import (
	"encoding/binary"
	"math/big"
	"os"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
)

func init() {
	operations["fp_mul"] = fpMul
	operations["fr_mul"] = frMul
	operations["ntt"] = ntt
	operations["msm_g1"] = msmG1
	operations["msm_g2"] = msmG2
	operations["fixed_base_g1"] = fixedBaseG1
	operations["pairing_check"] = pairingCheck
	operations["pairing_check_fixed"] = pairingCheckFixed
}

// Inputs by path: a file is read once.
var (
	scalars  = map[string]fr.Vector{}
	pointsG1 = map[string][]bn254.G1Affine{}
	pointsG2 = map[string][]bn254.G2Affine{}
)

func contents(path string) []byte {
	data, err := os.ReadFile(path)
	must(err)
	return data
}

func readScalars(path string, n int) fr.Vector {
	if scalars[path] == nil {
		data := contents(path)
		values := make(fr.Vector, len(data)/fr.Bytes)
		for i := range values {
			must(values[i].SetBytesCanonical(data[fr.Bytes*i : fr.Bytes*(i+1)]))
		}
		scalars[path] = values
	}
	return scalars[path][:n]
}

func readG1(path string, n int) []bn254.G1Affine {
	if pointsG1[path] == nil {
		data := contents(path)
		points := make([]bn254.G1Affine, len(data)/(2*fp.Bytes))
		for i := range points {
			must(points[i].X.SetBytesCanonical(data[64*i : 64*i+32]))
			must(points[i].Y.SetBytesCanonical(data[64*i+32 : 64*i+64]))
		}
		pointsG1[path] = points
	}
	return pointsG1[path][:n]
}

func readG2(path string, n int) []bn254.G2Affine {
	if pointsG2[path] == nil {
		data := contents(path)
		points := make([]bn254.G2Affine, len(data)/(4*fp.Bytes))
		for i := range points {
			p := &points[i]
			for j, word := range []*fp.Element{&p.X.A1, &p.X.A0, &p.Y.A1, &p.Y.A0} {
				must(word.SetBytesCanonical(data[128*i+32*j : 128*i+32*j+32]))
			}
		}
		pointsG2[path] = points
	}
	return pointsG2[path][:n]
}

func digestScalars(values fr.Vector) string {
	data := make([]byte, 0, fr.Bytes*len(values))
	for i := range values {
		word := values[i].Bytes()
		data = append(data, word[:]...)
	}
	return hashed(data)
}

func digestG1(points ...bn254.G1Affine) string {
	data := []byte{}
	for i := range points {
		x, y := points[i].X.Bytes(), points[i].Y.Bytes()
		data = append(append(data, x[:]...), y[:]...)
	}
	return hashed(data)
}

func frMul(ask request) (func(), func() string) {
	a, b := readScalars(ask.Files["a"], ask.Size), readScalars(ask.Files["b"], ask.Size)
	out := make(fr.Vector, ask.Size)
	return func() { out.Mul(a, b) }, func() string { return digestScalars(out) }
}

// Products of the same integers below r, taken modulo q.
func fpMul(ask request) (func(), func() string) {
	lift := func(values fr.Vector) []fp.Element {
		out := make([]fp.Element, len(values))
		for i := range values {
			word := values[i].Bytes()
			must(out[i].SetBytesCanonical(word[:]))
		}
		return out
	}
	a, b := lift(readScalars(ask.Files["a"], ask.Size)), lift(readScalars(ask.Files["b"], ask.Size))
	out := make([]fp.Element, ask.Size)
	multiply := func() {
		for i := range out {
			out[i].Mul(&a[i], &b[i])
		}
	}
	return multiply, func() string {
		data := []byte{}
		for i := range out {
			word := out[i].Bytes()
			data = append(data, word[:]...)
		}
		return hashed(data)
	}
}

// A decimation in frequency, whose output stays in bit-reversed order: the order is put right after the clock stops.
func ntt(ask request) (func(), func() string) {
	in := readScalars(ask.Files["a"], ask.Size)
	domain := fft.NewDomain(uint64(ask.Size), fft.WithCache())
	copies := make([]fr.Vector, max(1, ask.Repeat))
	for i := range copies {
		copies[i] = append(fr.Vector{}, in...)
	}
	next := 0
	transform := func() {
		domain.FFT(copies[next], fft.DIF, fft.WithNbTasks(max(1, ask.Threads)))
		next++
	}
	return transform, func() string {
		fft.BitReverse(copies[0])
		return digestScalars(copies[0])
	}
}

func config(ask request) ecc.MultiExpConfig {
	return ecc.MultiExpConfig{NbTasks: max(1, ask.Threads)}
}

func msmG1(ask request) (func(), func() string) {
	points, factors := readG1(ask.Files["points"], ask.Size), readScalars(ask.Files["scalars"], ask.Size)
	var sum bn254.G1Affine
	call := func() {
		_, err := sum.MultiExp(points, factors, config(ask))
		must(err)
	}
	return call, func() string { return digestG1(sum) }
}

func msmG2(ask request) (func(), func() string) {
	points, factors := readG2(ask.Files["points"], ask.Size), readScalars(ask.Files["scalars"], ask.Size)
	var sum bn254.G2Affine
	call := func() {
		_, err := sum.MultiExp(points, factors, config(ask))
		must(err)
	}
	return call, func() string {
		data := []byte{}
		for _, word := range []*fp.Element{&sum.X.A1, &sum.X.A0, &sum.Y.A1, &sum.Y.A0} {
			bytes := word.Bytes()
			data = append(data, bytes[:]...)
		}
		return hashed(data)
	}
}

func fixedBaseG1(ask request) (func(), func() string) {
	factors := readScalars(ask.Files["scalars"], ask.Size)
	_, _, base, _ := bn254.Generators()
	var out []bn254.G1Affine
	call := func() { out = bn254.BatchScalarMultiplicationG1(&base, factors) }
	return call, func() string { return digestG1(out...) }
}

// Pairs whose product of pairings is one: (a_i G, b_i H) with sum a_i b_i = 0, or, of a single pair, one that is not.
func pairs(n int) ([]bn254.G1Affine, []bn254.G2Affine) {
	_, _, g, h := bn254.Generators()
	p, q := make([]bn254.G1Affine, n), make([]bn254.G2Affine, n)
	sum := new(big.Int)
	for i := range p {
		a, b := big.NewInt(int64(0x5eed+i)), big.NewInt(int64(0xb0b+i))
		if i == n-1 && n > 1 {
			a, b = sum.Neg(sum), big.NewInt(1)
		} else {
			sum.Add(sum, new(big.Int).Mul(a, b))
		}
		p[i].ScalarMultiplication(&g, a)
		q[i].ScalarMultiplication(&h, b)
	}
	return p, q
}

func truth(ok *bool) func() string {
	return func() string {
		if *ok {
			return "true"
		}
		return "false"
	}
}

func pairingCheck(ask request) (func(), func() string) {
	p, q := pairs(ask.Size)
	ok := false
	return func() { ok, _ = bn254.PairingCheck(p, q) }, truth(&ok)
}

// gnark's fixed-argument loop overwrites the lines it is given, so every call gets a fresh copy.
func pairingCheckFixed(ask request) (func(), func() string) {
	p, q := pairs(ask.Size)
	type lines = [2][len(bn254.LoopCounter)]bn254.LineEvaluationAff
	prepared := make([]lines, len(q))
	for i := range q {
		prepared[i] = bn254.PrecomputeLines(q[i])
	}
	copies := make([][]lines, max(1, ask.Repeat))
	for i := range copies {
		copies[i] = append([]lines{}, prepared...)
	}
	ok, next := false, 0
	call := func() {
		ok, _ = bn254.PairingCheckFixedQ(p, copies[next])
		next++
	}
	return call, truth(&ok)
}

// Little-endian words of the .r1cs and .wtns files.
func u32(data []byte) int { return int(binary.LittleEndian.Uint32(data)) }
func u64(data []byte) int { return int(binary.LittleEndian.Uint64(data)) }
