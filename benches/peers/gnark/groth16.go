package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
)

func init() {
	operations["groth16_setup"] = setup
	operations["groth16_prove"] = prove
	operations["groth16_verify"] = verify
	operations["groth16_verify_batch"] = verify // one by one: there is no batch
	for _, name := range []string{"chain", "hashes"} {
		operations[name+"_prove"], operations[name+"_verify"] = prove, verify
	}
}

// A circuit with its key and its witness: gnark's own key, for the rows of our .r1cs.
type instance struct {
	system *cs.R1CS
	public int
	values fr.Vector // without the constant wire
	pk     groth16.ProvingKey
	vk     groth16.VerifyingKey
	proof  *groth16.Proof
}

var instances = map[string]*instance{}

func sections(data []byte) map[int][]byte {
	found := map[int][]byte{}
	for n, at := u32(data[8:]), 12; n > 0; n-- {
		length := u64(data[at+4:])
		found[u32(data[at:])] = data[at+12 : at+12+length]
		at += 12 + length
	}
	return found
}

func littleEndian(data []byte) fr.Element {
	value, err := fr.LittleEndian.Element((*[fr.Bytes]byte)(data))
	must(err)
	return value
}

// Every wire but the constant is an input, so that gnark solves nothing and checks each row.
func readSystem(path string) (*cs.R1CS, int) {
	parts := sections(contents(path))
	head := parts[1][4+fr.Bytes:]
	wires, public, rows := u32(head), u32(head[4:])+u32(head[8:]), u32(head[24:])
	system := cs.NewR1CS(rows)
	system.AddPublicVariable("1")
	for i := 1; i < wires; i++ {
		if i <= public {
			system.AddPublicVariable(fmt.Sprint("p", i))
		} else {
			system.AddSecretVariable(fmt.Sprint("s", i))
		}
	}
	gate := system.AddBlueprint(&constraint.BlueprintGenericR1C{})
	body := parts[2]
	combination := func() constraint.LinearExpression {
		terms := make(constraint.LinearExpression, u32(body))
		body = body[4:]
		for i := range terms {
			value := littleEndian(body[4 : 4+fr.Bytes])
			var coefficient constraint.U64
			copy(coefficient[:], value[:])
			terms[i] = system.MakeTerm(coefficient, u32(body))
			body = body[4+fr.Bytes:]
		}
		return terms
	}
	for i := 0; i < rows; i++ {
		l, r, o := combination(), combination(), combination()
		system.AddR1C(constraint.R1C{L: l, R: r, O: o}, gate)
	}
	return system, public
}

func readInstance(ask request) *instance {
	path := ask.Files["r1cs"]
	if instances[path] == nil {
		found := &instance{}
		found.system, found.public = readSystem(path)
		data := sections(contents(ask.Files["wtns"]))[2]
		for at := fr.Bytes; at < len(data); at += fr.Bytes {
			found.values = append(found.values, littleEndian(data[at:at+fr.Bytes]))
		}
		instances[path] = found
	}
	return instances[path]
}

func (it *instance) ensureKey() {
	if it.pk.G1.A == nil {
		must(groth16.Setup(it.system, &it.pk, &it.vk))
	}
}

func (it *instance) witness() witness.Witness {
	full, err := witness.New(ecc.BN254.ScalarField())
	must(err)
	values := make(chan any)
	go func() {
		defer close(values)
		for i := range it.values {
			values <- it.values[i]
		}
	}()
	must(full.Fill(it.public, len(it.values)-it.public, values))
	return full
}

func (it *instance) verified() string {
	if groth16.Verify(it.proof, &it.vk, it.values[:it.public]) != nil {
		return "rejected"
	}
	return "accepted"
}

func setup(ask request) (func(), func() string) {
	it := readInstance(ask)
	return func() { must(groth16.Setup(it.system, &it.pk, &it.vk)) }, func() string { return "accepted" }
}

// The proof is checked by gnark, and left with its key in files["out"] for others to check.
func prove(ask request) (func(), func() string) {
	it := readInstance(ask)
	it.ensureKey()
	full := it.witness()
	call := func() {
		var err error
		it.proof, err = groth16.Prove(it.system, &it.pk, full)
		must(err)
	}
	return call, func() string {
		it.write(ask.Files["out"])
		it.measure()
		return it.verified()
	}
}

func verify(ask request) (func(), func() string) {
	it := readInstance(ask)
	if it.proof == nil {
		call, _ := prove(ask)
		call()
	}
	found, each := "", 1
	if ask.Op == "groth16_verify_batch" {
		each = ask.Size
	}
	call := func() {
		for i := 0; i < each; i++ {
			found = it.verified()
		}
	}
	return call, func() string {
		it.measure()
		return found
	}
}

// The size of a proof as gnark writes it, compressed, for the answer.
func (it *instance) measure() {
	size, err := it.proof.WriteTo(io.Discard)
	must(err)
	proofBytes = size
}

func g1JSON(p *bn254.G1Affine) string {
	return fmt.Sprintf(`["%s","%s","1"]`, p.X.String(), p.Y.String())
}

func g2JSON(p *bn254.G2Affine) string {
	return fmt.Sprintf(`[["%s","%s"],["%s","%s"],["1","0"]]`,
		p.X.A0.String(), p.X.A1.String(), p.Y.A0.String(), p.Y.A1.String())
}

// verification_key.json and proof.json as snarkjs lays them out.
func (it *instance) write(folder string) {
	if folder == "" {
		return
	}
	head := `"protocol":"groth16","curve":"bn128"`
	ic := []string{}
	for i := range it.vk.G1.K {
		ic = append(ic, g1JSON(&it.vk.G1.K[i]))
	}
	key := fmt.Sprintf(`{%s,"nPublic":%d,"vk_alpha_1":%s,"vk_beta_2":%s,"vk_gamma_2":%s,"vk_delta_2":%s,"IC":[%s]}`,
		head, it.public, g1JSON(&it.vk.G1.Alpha), g2JSON(&it.vk.G2.Beta), g2JSON(&it.vk.G2.Gamma),
		g2JSON(&it.vk.G2.Delta), strings.Join(ic, ","))
	proof := fmt.Sprintf(`{%s,"pi_a":%s,"pi_b":%s,"pi_c":%s}`,
		head, g1JSON(&it.proof.Ar), g2JSON(&it.proof.Bs), g1JSON(&it.proof.Krs))
	must(os.WriteFile(filepath.Join(folder, "verification_key.json"), []byte(key), 0o644))
	must(os.WriteFile(filepath.Join(folder, "proof.json"), []byte(proof), 0o644))
}
