package ledgertest

import (
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// deliveries reads all pages and names what passed: webhook-id and scope.
func (b *bench) deliveries(f ledger.DeliveryFilter) (all []ledger.Delivery, names []string) {
	b.t.Helper()
	for next := (&pipeline.Run{}); next != nil; {
		page, after, err := b.Deliveries(b.t.Context(), f, *next, 2)
		require.NoError(b.t, err)
		all, next = append(all, page...), after
	}
	for _, d := range all {
		names = append(names, d.Event.ID+" "+d.Scope)
	}
	return all, names
}

func toldAgain(b *bench) {
	ctx := b.t.Context()
	b.wants = func(event string) []string {
		if event == pipeline.OrderUpdated {
			return []string{"crm"}
		}
		return []string{"", "crm"}
	}
	start := b.clock.Now()
	done := b.linked("users/o1/a.jpg")
	b.check(done, "e1", "image/jpeg", pipeline.Private, "")
	b.run(done, pipeline.StepThumbnail, "")
	b.commit(array(), array("a"))
	b.run(done, pipeline.StepAttach, "A1")
	b.clock.Add(time.Hour)
	refused := b.announce(photo("users/o1/b.jpg")).Announced[0].UploadID
	b.check(refused, "e1", "image/jpeg", pipeline.Private, pipeline.CodeTooLarge)
	b.clock.Add(time.Hour)

	_, names := b.deliveries(ledger.DeliveryFilter{})
	require.Empty(b.t, names, "all are on their way")
	for _, scope := range []string{"", "crm", "crm/A1"} {
		b.run(done, pipeline.StepNotify, scope)
	}
	b.run(refused, pipeline.StepNotify, "crm")
	letter, _, err := b.Bury(ctx, b.begin(refused, pipeline.StepNotify, ""), ledger.Death{Class: pipeline.Transient, Cause: errors.New("500")})
	require.NoError(b.t, err)
	order := pipeline.OrderUpdate{Order: "A1", Revision: 1}.Event().ID
	for name, c := range map[string]struct {
		f    ledger.DeliveryFilter
		want []string
	}{
		"all":     {ledger.DeliveryFilter{}, []string{done + ".1 ", done + ".1 crm", order + " crm/A1", refused + ".1 ", refused + ".1 crm"}},
		"default": {ledger.DeliveryFilter{Endpoints: []string{""}}, []string{done + ".1 ", refused + ".1 "}},
		"event":   {ledger.DeliveryFilter{Events: []string{"upload.rejected"}, Endpoints: []string{"crm"}}, []string{refused + ".1 crm"}},
		"orders":  {ledger.DeliveryFilter{Events: []string{pipeline.OrderUpdated}}, []string{order + " crm/A1"}},
		"upload":  {ledger.DeliveryFilter{UploadIDs: []string{done}}, []string{done + ".1 ", done + ".1 crm"}},
		"since":   {ledger.DeliveryFilter{Since: start.Add(time.Hour)}, []string{refused + ".1 ", refused + ".1 crm"}},
		"until":   {ledger.DeliveryFilter{Until: start.Add(time.Hour), Endpoints: []string{""}}, []string{done + ".1 "}},
	} {
		_, names := b.deliveries(c.f)
		require.ElementsMatch(b.t, c.want, names, name)
	}

	told, _ := b.deliveries(ledger.DeliveryFilter{Events: []string{pipeline.OrderUpdated}})
	made, err := b.Retell(ctx, told[0], "its database was restored")
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.Run{UploadID: done, Step: pipeline.StepNotify, Scope: "crm/A1", Gen: 2}, made[0].Run)
	again := b.begin(done, pipeline.StepNotify, "crm/A1")
	require.Contains(b.t, string(again.Kept), `"fileIDs":["a"]`)
	_, err = b.Retell(ctx, told[0], "")
	require.ErrorIs(b.t, err, ledger.ErrSuperseded, "it is on its way")
	b.finish(again, pipeline.StepResult{State: pipeline.Done})
	_, err = b.Retell(ctx, told[0], "")
	require.ErrorIs(b.t, err, ledger.ErrSuperseded, "it was told since")

	told, _ = b.deliveries(ledger.DeliveryFilter{UploadIDs: []string{refused}, Endpoints: []string{""}})
	_, err = b.Retell(ctx, told[0], "it is back")
	require.NoError(b.t, err)
	l, err := b.Letter(ctx, letter)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.LetterReplayed, l.State)
	require.Equal(b.t, "it is back", l.Note)
	b.run(refused, pipeline.StepNotify, "")
	u, err := b.Upload(ctx, refused)
	require.NoError(b.t, err)
	require.Equal(b.t, 1, u.Revision, "telling it again is no new outcome")

	b.wants = func(string) []string { return nil }
	unwanted := b.announce(photo("users/o1/c.jpg")).Announced[0].UploadID
	b.check(unwanted, "e1", "image/jpeg", pipeline.Private, pipeline.CodeTooLarge)
	b.run(unwanted, pipeline.StepNotify, "")
	_, names = b.deliveries(ledger.DeliveryFilter{UploadIDs: []string{unwanted}})
	require.Empty(b.t, names, "nobody was told")
}
