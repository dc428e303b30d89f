package source_test
import ("testing";"time";"strings";"fmt";"detour/shared/config/source")
func TestZZ(t *testing.T){
 N:=1<<20
 rep:=func(s string) string { return strings.Repeat(s,N/len(s)-40) }
 keys:=&strings.Builder{}; for i:=0;keys.Len()<N-100;i++{fmt.Fprintf(keys,"k%d: 1\n",i)}
 for n,s:=range map[string]string{
 "groups":"version: 1\ngroups: ["+rep("{},")+"]", "entries":"version: 1\ngroups: [{paths: [{name: a},{name: b}], units: [{entries: ["+rep("{},")+"]}]}]",
 "keys":keys.String(), "quest":rep("? "), "dash":rep("- "), "comment":rep("#\n"), "comments2": "version: 1\ngroups:\n"+rep("# a\n\n"), "seqcomments":"groups:\n"+rep("- a # b\n"), "anchors":rep("- &a b\n"),"brack":rep("[a,"), "colon":rep("a: "), "long":rep("x"), "quoted":"\""+rep("x\n"), "lit":"a: |\n"+rep(" x\n"), "multi":rep("---\n"),"lines":rep("\n"),"flowmap":"{"+rep("a,"),
 "plain multi": rep("a\n"),
 "nested": func() string{b:=&strings.Builder{}; for i:=0;b.Len()<N-2000;i++{fmt.Fprintf(b,"%s- a:\n",strings.Repeat(" ",i))}; return b.String()}(),
 }{
  st:=time.Now(); _,err:=source.Read([]byte(s),"x"); e:=time.Since(st)
  m:=fmt.Sprint(err); if len(m)>90 {m=m[:90]}
  t.Log(n,len(s),e,m)
 }
}
