/* Flite as a teacher: audio, synthesis parameters, phone ends and word times of each request line.
 *
 * Request:  voice TAB want_audio TAB duration_stretch TAB f0_mean_hz TAB text
 * Reply:    one text line "samples rate frames channels phones words", then one line of "phone:end",
 *           one line of "word:start:end" (seconds), then int16 samples and float32 frames (frames x channels).
 * A statistical voice leaves its parameters; a diphone voice leaves frames = 0.
 */
#define _GNU_SOURCE
#include <cst_cg.h>
#include <dlfcn.h>
#include <flite.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cst_voice *register_cmu_us_slt(const char *);
cst_voice *register_cmu_us_rms(const char *);
cst_voice *register_cmu_us_awb(const char *);
cst_voice *register_cmu_us_kal16(const char *);

static struct { int frames, channels, want_audio; float *values; } captured;

typedef cst_wave *(*resynthesis)(const cst_track *, const cst_track *, cst_cg_db *, cst_audio_streaming_info *, int);

/* Takes Flite's parameters on their way to its vocoder, and leaves the vocoder out where no audio is wanted. */
cst_wave *mlsa_resynthesis(const cst_track *params, const cst_track *strengths, cst_cg_db *db,
                           cst_audio_streaming_info *asi, int flags) {
    static resynthesis original;
    int extra = strengths ? strengths->num_channels : 0, i;
    free(captured.values);
    captured.frames = params->num_frames;
    captured.channels = params->num_channels + extra;
    captured.values = malloc(sizeof(float) * captured.frames * captured.channels);
    for (i = 0; i < captured.frames; i++) {
        float *row = captured.values + (long)i * captured.channels;
        memcpy(row, params->frames[i], params->num_channels * sizeof(float));
        if (extra) memcpy(row + params->num_channels, strengths->frames[i], extra * sizeof(float));
    }
    if (captured.want_audio) {
        if (!original) original = (resynthesis)dlsym(RTLD_NEXT, "mlsa_resynthesis");
        return original(params, strengths, db, asi, flags);
    }
    cst_wave *empty = new_wave();
    cst_wave_resize(empty, 1, 1);
    empty->sample_rate = 16000;
    return empty;
}

static void reply(cst_utterance *u) {
    cst_wave *w = utt_wave(u);
    int phones = 0, words = 0, samples = captured.want_audio ? w->num_samples : 0;
    cst_item *s;
    for (s = relation_head(utt_relation(u, "Segment")); s; s = item_next(s)) phones++;
    for (s = relation_head(utt_relation(u, "Word")); s; s = item_next(s)) words++;
    printf("%d %d %d %d %d %d\n", samples, w->sample_rate, captured.frames, captured.channels, phones, words);
    for (s = relation_head(utt_relation(u, "Segment")); s; s = item_next(s)) {
        const char *name = item_feat_string(s, "name");
        const char *stress = strchr("aeiou", name[0]) ? ffeature_string(s, "R:SylStructure.parent.stress") : "";
        printf("%s%s:%.4f ", name, stress, item_feat_float(s, "end"));
    }
    printf("\n");
    for (s = relation_head(utt_relation(u, "Word")); s; s = item_next(s))
        printf("%s:%.4f:%.4f ", item_feat_string(s, "name"),
               ffeature_float(s, "R:SylStructure.daughter1.daughter1.R:Segment.p.end"),
               ffeature_float(s, "R:SylStructure.daughtern.daughtern.R:Segment.end"));
    printf("\n");
    fwrite(w->samples, sizeof(short), samples, stdout);
    fwrite(captured.values, sizeof(float), (long)captured.frames * captured.channels, stdout);
    fflush(stdout);
}

static cst_voice *voice_named(const char *name) {
    static cst_voice *slt, *rms, *awb, *kal16;
    if (!strcmp(name, "slt")) return slt ? slt : (slt = register_cmu_us_slt(0));
    if (!strcmp(name, "rms")) return rms ? rms : (rms = register_cmu_us_rms(0));
    if (!strcmp(name, "awb")) return awb ? awb : (awb = register_cmu_us_awb(0));
    return kal16 ? kal16 : (kal16 = register_cmu_us_kal16(0));
}

int main(void) {
    char line[16384], name[16], *text;
    float stretch, f0;
    int at;
    flite_init();
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%15s %d %f %f%n", name, &captured.want_audio, &stretch, &f0, &at) != 4) return 1;
        text = line + at + 1;
        cst_voice *voice = voice_named(name);
        feat_set_float(voice->features, "duration_stretch", stretch);
        if (f0 > 0) feat_set_float(voice->features, "int_f0_target_mean", f0);
        else feat_remove(voice->features, "int_f0_target_mean");
        captured.frames = captured.channels = 0;
        cst_utterance *u = flite_synth_text(text, voice);
        if (!u) return 2;
        reply(u);
        delete_utterance(u);
    }
    return 0;
}
