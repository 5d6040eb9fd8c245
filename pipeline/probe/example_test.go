package probe_test

import (
	"fmt"

	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// An uploader called this file holiday.jpg. It is one, and something else as well.
func ExampleDetect() {
	data := samples.ZIPJPEG()
	facts, need := probe.Detect(data, int64(len(data)))
	fmt.Println(facts.Type, facts.Width, "x", facts.Height)
	fmt.Println("holds", facts.Foreign)
	fmt.Println("more bytes needed:", need)
	// Output:
	// image/jpeg 320 x 240
	// holds application/zip
	// more bytes needed: 0
}
