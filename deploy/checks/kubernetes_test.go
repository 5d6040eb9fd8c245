package checks

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// cluster is what kustomize makes of an overlay, by kind.
type cluster struct {
	deployments []appsv1.Deployment
	services    []corev1.Service
	configs     []corev1.ConfigMap
	budgets     []policyv1.PodDisruptionBudget
	policies    []networkingv1.NetworkPolicy
	ingresses   []networkingv1.Ingress
	scaled      []scaledObject
	triggers    []triggerAuthentication
	accounts    []corev1.ServiceAccount
	namespaces  []corev1.Namespace
}

// scaledObject has the fields of keda.sh/v1alpha1 ScaledObject that are used here
// (https://keda.sh/docs/latest/reference/scaledobject-spec/).
type scaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		MinReplicaCount *int32 `json:"minReplicaCount"`
		MaxReplicaCount *int32 `json:"maxReplicaCount"`
		PollingInterval *int32 `json:"pollingInterval"`
		CooldownPeriod  *int32 `json:"cooldownPeriod"`
		Triggers        []struct {
			Type              string            `json:"type"`
			Metadata          map[string]string `json:"metadata"`
			AuthenticationRef *struct {
				Name string `json:"name"`
			} `json:"authenticationRef,omitempty"`
		} `json:"triggers"`
	} `json:"spec"`
}

// triggerAuthentication is keda.sh/v1alpha1 TriggerAuthentication, as far as it is used.
type triggerAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		SecretTargetRef []struct {
			Parameter string `json:"parameter"`
			Name      string `json:"name"`
			Key       string `json:"key"`
		} `json:"secretTargetRef"`
	} `json:"spec"`
}

// build runs kustomize and decodes every document strictly: a field that its type does not
// have is an error.
func build(t *testing.T, folder string) cluster {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(deploy, "kubernetes", folder))
	require.NoError(t, err)
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	require.NoError(t, err)
	var c cluster
	for _, r := range resources.Resources() {
		doc, err := r.AsYAML()
		require.NoError(t, err)
		what := r.GetApiVersion() + " " + r.GetKind()
		switch what {
		case "apps/v1 Deployment":
			c.deployments = decode(t, c.deployments, doc)
		case "v1 Service":
			c.services = decode(t, c.services, doc)
		case "v1 ConfigMap":
			c.configs = decode(t, c.configs, doc)
		case "v1 ServiceAccount":
			c.accounts = decode(t, c.accounts, doc)
		case "v1 Namespace":
			c.namespaces = decode(t, c.namespaces, doc)
		case "policy/v1 PodDisruptionBudget":
			c.budgets = decode(t, c.budgets, doc)
		case "networking.k8s.io/v1 NetworkPolicy":
			c.policies = decode(t, c.policies, doc)
		case "networking.k8s.io/v1 Ingress":
			c.ingresses = decode(t, c.ingresses, doc)
		case "keda.sh/v1alpha1 ScaledObject":
			c.scaled = decode(t, c.scaled, doc)
		case "keda.sh/v1alpha1 TriggerAuthentication":
			c.triggers = decode(t, c.triggers, doc)
		default:
			t.Fatalf("nobody checks %s", what)
		}
	}
	return c
}

func decode[T any](t *testing.T, list []T, doc []byte) []T {
	t.Helper()
	var v T
	require.NoError(t, yaml.UnmarshalStrict(doc, &v), "%s", doc)
	return append(list, v)
}

// TestDecodeIsStrict shows that a slip in a manifest is found.
func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	var d appsv1.Deployment
	require.ErrorContains(t, yaml.UnmarshalStrict([]byte("spec: {replica: 2}"), &d), "replica")
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"base", "overlays/example"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			c := build(t, folder)
			pools := queues(t)
			require.Len(t, c.deployments, 1+len(pools), "serve, and one for each pool")
			require.Len(t, c.scaled, len(pools))
			require.Len(t, c.budgets, 1+len(pools))
			for _, d := range c.deployments {
				checkDeployment(t, c, &d)
			}
			for _, pool := range pools {
				checkPool(t, c, pool)
			}
			for _, i := range c.ingresses {
				for _, rule := range i.Spec.Rules {
					for _, p := range rule.HTTP.Paths {
						require.Equal(t, c.services[0].Name, p.Backend.Service.Name)
						require.Equal(t, c.services[0].Spec.Ports[0].Name, p.Backend.Service.Port.Name)
					}
				}
			}
			require.Len(t, c.configs, 1)
			validate(t, filepath.Join(deploy, "kubernetes", folder, "afterput.yaml"), "/run/secrets/afterput")
		})
	}
}

func checkDeployment(t *testing.T, c cluster, d *appsv1.Deployment) {
	t.Helper()
	pod := d.Spec.Template.Spec
	require.Equal(t, "afterput", d.Namespace)
	require.True(t, selects(t, d.Spec.Selector, d.Spec.Template.Labels), d.Name)
	for _, other := range c.deployments {
		require.Equal(t, other.Name == d.Name, selects(t, d.Spec.Selector, other.Spec.Template.Labels), "%s and %s", d.Name, other.Name)
	}
	budgets := 0
	for _, b := range c.budgets {
		if selects(t, b.Spec.Selector, d.Spec.Template.Labels) {
			budgets++
		}
	}
	require.Equal(t, 1, budgets, "%s has one budget of its own", d.Name)

	require.GreaterOrEqual(t, *pod.TerminationGracePeriodSeconds, int64(45))
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		require.False(t, *container.SecurityContext.AllowPrivilegeEscalation)
		require.True(t, *container.SecurityContext.ReadOnlyRootFilesystem)
		require.NotNil(t, container.Resources.Limits.Memory())
		for _, e := range container.Env {
			require.NotContains(t, strings.ToLower(e.Name), "secret", "secrets are files")
		}
	}
	main := pod.Containers[0]
	for _, probe := range []*corev1.Probe{main.StartupProbe, main.LivenessProbe, main.ReadinessProbe} {
		require.True(t, slices.ContainsFunc(main.Ports, func(p corev1.ContainerPort) bool { return p.Name == probe.HTTPGet.Port.StrVal }))
	}
	require.Equal(t, "/healthz", main.LivenessProbe.HTTPGet.Path, "a pod is not killed for a Redis that is away")
	require.Equal(t, "/readyz", main.ReadinessProbe.HTTPGet.Path)
	for _, v := range pod.Volumes {
		if v.ConfigMap != nil {
			require.Equal(t, c.configs[0].Name, v.ConfigMap.Name, "with the hash of its content, so that a change rolls the pods")
		}
	}
}

func checkPool(t *testing.T, c cluster, pool string) {
	t.Helper()
	i := slices.IndexFunc(c.deployments, func(d appsv1.Deployment) bool { return slices.Contains(d.Spec.Template.Spec.Containers[0].Args, pool) })
	require.GreaterOrEqual(t, i, 0, pool)
	d := c.deployments[i]
	require.Equal(t, []string{"worker", "--pool", pool}, d.Spec.Template.Spec.Containers[0].Args)
	j := slices.IndexFunc(c.scaled, func(s scaledObject) bool { return s.Spec.ScaleTargetRef.Name == d.Name })
	require.GreaterOrEqual(t, j, 0, "%s is scaled", d.Name)
	require.Nil(t, d.Spec.Replicas, "the number of pods is KEDA's")
	triggers := c.scaled[j].Spec.Triggers
	require.Equal(t, "asynq:{"+pool+"}:pending", triggers[0].Metadata["listName"])
	require.Equal(t, c.triggers[0].Name, triggers[0].AuthenticationRef.Name)
	require.Contains(t, triggers[1].Metadata["query"], `queue="`+pool+`"`)
	require.Less(t, *c.scaled[j].Spec.MinReplicaCount, *c.scaled[j].Spec.MaxReplicaCount)
}

func selects(t *testing.T, s *metav1.LabelSelector, have map[string]string) bool {
	t.Helper()
	require.NotEmpty(t, s.MatchLabels, "an empty selector takes every pod")
	selector, err := metav1.LabelSelectorAsSelector(s)
	require.NoError(t, err)
	return selector.Matches(labels.Set(have))
}

// TestNoPlaceholder holds that each POOL of the worker was replaced.
func TestNoPlaceholder(t *testing.T) {
	t.Parallel()
	path, err := filepath.Abs(filepath.Join(deploy, "kubernetes", "overlays", "example"))
	require.NoError(t, err)
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	require.NoError(t, err)
	doc, err := resources.AsYaml()
	require.NoError(t, err)
	require.False(t, bytes.Contains(doc, []byte("POOL")))
	require.True(t, bytes.Contains(doc, []byte("image: registry.example.com/shop/afterput:1.0.0")))
}
